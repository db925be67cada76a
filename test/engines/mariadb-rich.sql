-- A server that uses what people use, and what has bitten other tools. The main database is called `database`.
SET NAMES utf8mb4;
SET time_zone = '+02:00';
ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'a /* main */ one';
CREATE DATABASE `second ``Dé` CHARACTER SET latin1 COLLATE latin1_german1_ci COMMENT 'the ''other''';
CREATE DATABASE empty_one; -- of tables

-- Accounts first: some own things below.
CREATE ROLE reader;
CREATE ROLE writer;
GRANT reader TO writer;
CREATE USER 'app'@'%' IDENTIFIED BY 'secret' WITH MAX_QUERIES_PER_HOUR 1000;
CREATE USER 'app'@'10.0.0.%' IDENTIFIED BY 'other' REQUIRE SUBJECT '/CN=a' ISSUER 'b' ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 30 DAY;
CREATE USER 'quo''te`d ü'@'localhost' IDENTIFIED VIA mysql_native_password USING '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' OR unix_socket;
CREATE USER 'poor'@'%';
CREATE USER 'ghost'@'%';

CREATE TABLE people (
  id int PRIMARY KEY AUTO_INCREMENT,
  name varchar(60) NOT NULL,
  bytes longblob,
  twice int GENERATED ALWAYS AS (char_length(name) * 2) STORED,
  plus int GENERATED ALWAYS AS (char_length(name) + 1) VIRTUAL,
  born timestamp NULL,
  since datetime(6) DEFAULT current_timestamp(6),
  hidden int INVISIBLE DEFAULT 7,
  KEY (name), FULLTEXT KEY (name), CONSTRAINT long_enough CHECK (char_length(name) > 0)
) COMMENT 'with ; and '' and `';
INSERT INTO people (name, bytes, born, hidden) VALUES
  ('Ärtist ''1''', UNHEX(REPLACE(HEX(REPEAT('x', 2)), '78', '0A00')), '2024-03-31 02:30:00', 1),
  ('😀 ); (\\', '', NULL, NULL), ('new\nline;\nINSERT INTO `people` VALUES\n(1);', NULL, '2038-01-19 03:14:07', 3), ('-- Dump completed', '(', '1970-01-02 00:00:00', 4);
INSERT INTO people (name, bytes) SELECT CONCAT('p', seq), UNHEX(LPAD(HEX(seq), 6, '0')) FROM seq_1_to_1000;
UPDATE people SET bytes = (SELECT UNHEX(GROUP_CONCAT(LPAD(HEX(seq), 2, '0') ORDER BY seq SEPARATOR '')) FROM seq_0_to_255) WHERE id = 7;
ALTER TABLE people AUTO_INCREMENT = 5000;
CREATE TABLE zeros (id int PRIMARY KEY AUTO_INCREMENT, at date, note text);
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO zeros VALUES (0, '0000-00-00', ''), (5, '2024-00-00', NULL);
SET SESSION sql_mode = DEFAULT;
CREATE TABLE types (
  b bit(10), e enum('a\nb', 'c;'), s set('x', 'y'), j json, u uuid, i inet6, y year, t time(6), bin binary(4), vb varbinary(10), d decimal(30, 10), f double,
  x varchar(20) CHARACTER SET utf16, l varchar(20) CHARACTER SET latin1, p point, g geometry);
INSERT INTO types VALUES (b'1010', 'a\nb', 'x,y', '{"a": "l1\\nl2"}', '2efb14f8-e700-11f1-87a5-02fc00000001', '::1', 2026, '-838:59:59.000001', x'00ff', x'0a27',
  12345678901234567890.0123456789, 1e300 / 3, 'é😀;\n', 'é', POINT(1, 2), ST_GeomFromText('LINESTRING(0 0, 1 1)'));
INSERT INTO types (f) VALUES (0.1), (1 / 3e0), (2.2250738585072014e-308), (-1.7976931348623157e308);
CREATE TABLE `line
break` (a int);
INSERT INTO `line
break` VALUES (1), (2);
CREATE TABLE `q``b; (` (a int, `c)d` int, `x VALUES y` int AS (a) VIRTUAL, `val
ues` int);
INSERT INTO `q``b; (` (a, `c)d`, `val
ues`) VALUES (1, 2, 3), (4, 5, 6), (7, 8, 9);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1), (2, 2), (3, 2);
CREATE TABLE parts (id int NOT NULL, at date NOT NULL) PARTITION BY RANGE (year(at)) (PARTITION old VALUES LESS THAN (2025), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO parts SELECT seq, DATE '2024-01-01' + INTERVAL seq DAY FROM seq_1_to_600;
CREATE TABLE isam (a int, KEY (a)) ENGINE = MyISAM;
INSERT INTO isam SELECT seq FROM seq_1_to_500;
CREATE TABLE aria (a int) ENGINE = Aria TRANSACTIONAL = 1;
INSERT INTO aria VALUES (1), (2), (3);
CREATE TABLE mem (a int) ENGINE = MEMORY;
INSERT INTO mem VALUES (1), (2);
CREATE TABLE lists (a int NOT NULL) ENGINE = CSV;
CREATE TABLE merged (a int, KEY (a)) ENGINE = MRG_MyISAM UNION = (isam);
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 5 CACHE 10;
DO NEXTVAL(numbers), NEXTVAL(numbers);
CREATE SEQUENCE untouched;
CREATE TABLE numbered (id bigint DEFAULT NEXTVAL(numbers), note varchar(10) DEFAULT 'nextval(`');
INSERT INTO numbered (note) VALUES ('a'), ('b');
CREATE TABLE versions (a int, b varchar(10)) WITH SYSTEM VERSIONING;
INSERT INTO versions VALUES (1, 'one'), (2, 'two');
UPDATE versions SET b = 'zwei' WHERE a = 2;
DELETE FROM versions WHERE a = 1;
CREATE TABLE empty_table (a int);

USE `second ``Dé`;
CREATE TABLE `latin é` (a varchar(20), b int);
INSERT INTO `latin é` SELECT CONCAT('é', seq), seq FROM seq_1_to_300;
CREATE TABLE people (id int);
INSERT INTO people VALUES (1);
CREATE FUNCTION shout(s varchar(20)) RETURNS varchar(30) DETERMINISTIC RETURN CONCAT(s, '!');

CREATE FUNCTION empty_one.one() RETURNS int DETERMINISTIC RETURN 1;
USE `database`;
DELIMITER ;;
CREATE PROCEDURE everything(IN a int, OUT b int) COMMENT 'does; things'
BEGIN
  -- a comment; with a semicolon
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;
  SELECT '
--
-- Current Database: `second ``Dé`
--

INSERT INTO `people` VALUES
(1);
' INTO @x;
  SET b = a + 1;
END;;
CREATE DEFINER = `gone`@`%` FUNCTION of_nobody(a int) RETURNS int DETERMINISTIC SQL SECURITY INVOKER RETURN a + 1;;
CREATE FUNCTION counted() RETURNS int READS SQL DATA BEGIN DECLARE n int; SELECT COUNT(*) INTO n FROM `database`.people; RETURN n; END;;
CREATE TRIGGER people_first BEFORE UPDATE ON people FOR EACH ROW SET NEW.since = '2020-01-01 00:00:00';;
CREATE DEFINER = `gone`@`%` TRIGGER people_second BEFORE UPDATE ON people FOR EACH ROW FOLLOWS people_first BEGIN SET NEW.hidden = 1; /* ; */ END;;
CREATE TRIGGER isam_in AFTER INSERT ON isam FOR EACH ROW INSERT INTO aria VALUES (NEW.a);;
CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' COMMENT 'at; night' DO BEGIN DELETE FROM empty_table; END;;
CREATE EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM empty_table;;
CREATE EVENT kept ON SCHEDULE AT '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM empty_table;;
SET sql_mode = 'ORACLE';;
CREATE PACKAGE pack AS FUNCTION one RETURN int; END;;
CREATE PACKAGE BODY pack AS FUNCTION one RETURN int AS BEGIN RETURN 1; END; END;;
SET sql_mode = DEFAULT;;
DELIMITER ;

CREATE VIEW b_names AS SELECT name, twice FROM people WHERE id < 10 WITH CASCADED CHECK OPTION;
CREATE ALGORITHM = TEMPTABLE VIEW a_names AS SELECT * FROM b_names;
CREATE DEFINER = `poor`@`%` VIEW of_poor AS SELECT id FROM people;
CREATE DEFINER = `ghost`@`%` SQL SECURITY DEFINER VIEW of_ghost AS SELECT p.id FROM people p JOIN parent ON parent.id = p.id;
CREATE VIEW called AS SELECT of_nobody(id) AS `of_nobody(id)`, name FROM people;
CREATE VIEW across AS SELECT l.a, p.name, '`database`.`people`' AS text FROM `second ``Dé`.`latin é` l JOIN people p ON p.id = l.b;
CREATE VIEW over_across AS SELECT a FROM across;
CREATE VIEW shouting AS SELECT `second ``Dé`.shout(name) AS s FROM people;
CREATE VIEW system_view AS SELECT table_name FROM information_schema.tables WHERE table_schema = 'database';
CREATE VIEW `second ``Dé`.back AS SELECT name FROM `database`.people;
CREATE VIEW `second ``Dé`.own AS SELECT b FROM `second ``Dé`.`latin é`;
CREATE VIEW of_second AS SELECT * FROM `second ``Dé`.own;
CREATE TABLE soon_gone (a int);
CREATE VIEW broken AS SELECT a FROM soon_gone;
CREATE VIEW over_broken AS SELECT a FROM broken;
SET NAMES latin1;
CREATE VIEW in_latin AS SELECT 'x' AS a, name COLLATE utf8mb4_bin AS n FROM people;
SET NAMES utf8mb4;
GRANT SELECT ON people TO 'ghost'@'%';
GRANT SELECT ON parent TO 'ghost'@'%';
CREATE VIEW over_ghost AS SELECT id FROM of_ghost;
CREATE VIEW over_over_ghost AS SELECT id FROM over_ghost;

GRANT SELECT, FILE ON *.* TO 'quo''te`d ü'@'localhost' WITH GRANT OPTION;
GRANT ALL ON `database`.* TO 'app'@'%' WITH GRANT OPTION;
GRANT SELECT, INSERT ON `second ``Dé`.* TO 'app'@'10.0.0.%';
GRANT SELECT ON `sec\_nd%`.* TO reader;
GRANT SELECT (name, hidden), UPDATE (name), DELETE ON people TO writer;
GRANT EXECUTE ON PROCEDURE everything TO 'app'@'10.0.0.%';
-- Names beyond ASCII are lost in grants on routines when a server of this version starts again.
GRANT EXECUTE, ALTER ROUTINE ON FUNCTION empty_one.one TO reader;
GRANT CREATE ON later TO reader;
GRANT SELECT ON a_names TO PUBLIC;
GRANT SELECT ON numbers TO reader;
GRANT SELECT (a), INSERT ON soon_gone TO reader;
GRANT PROXY ON 'app'@'%' TO 'quo''te`d ü'@'localhost';
GRANT writer TO 'app'@'%' WITH ADMIN OPTION;
SET DEFAULT ROLE writer FOR 'app'@'%';
CREATE TABLE narrowed (a int, b int);
GRANT SELECT (a, b), INSERT (b) ON narrowed TO reader;
ALTER TABLE narrowed DROP COLUMN b;
DROP TABLE soon_gone;
DROP USER 'ghost'@'%';
CREATE SERVER elsewhere FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'it''s', USER 'u', PORT 1234);
INSTALL SONAME 'auth_ed25519';
CREATE USER 'curve'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');

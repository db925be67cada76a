// What each shell is told, so that it asks `hayai __complete` with the words typed so far, the last of them unfinished. The
// answer is a candidate a line, with a description behind a tab; a line `:files` or `:folders` asks the shell for paths too.

const BASH = `# bash completion of hayai
_hayai() {
  local words=() word joined=0 cur line IFS=$'\\n'
  # --format=sql and shop@latest arrive as three words where "=" and "@" break words.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ( $word == = || $word == @ ) && \${#words[@]} -gt 0 ]]; then words[\${#words[@]}-1]+=$word; joined=1
    elif (( joined )); then words[\${#words[@]}-1]+=$word; joined=0
    else words+=("$word"); fi
  done
  (( \${#words[@]} )) || words=('')
  cur=\${words[\${#words[@]}-1]}
  COMPREPLY=()
  for line in $(hayai __complete "\${words[@]}" 2>/dev/null); do
    line=\${line%%$'\\t'*}
    case $line in
      :files) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "\${cur#--*=}")) ;;
      :folders) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- "\${cur#--*=}")) ;;
      *) if [[ $cur == --*=* ]]; then line=\${line#--*=}; elif [[ $cur == *@* && \${COMP_WORDS[COMP_CWORD]} != "$cur" ]]; then line=\${line#*@}; fi; COMPREPLY+=("$line") ;;
    esac
  done
}
complete -F _hayai hayai
`

const ZSH = `#compdef hayai
# zsh completion of hayai
_hayai() {
  local line
  local -a asked candidates
  asked=("\${(@)words[2,CURRENT]}")
  for line in "\${(@f)$(hayai __complete "\${(@)asked}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) [[ $PREFIX == --*=* ]] && compset -P '*='; _files ;;
      :folders) [[ $PREFIX == --*=* ]] && compset -P '*='; _files -/ ;;
      *) candidates+=("\${\${\${line%%$'\\t'*}//\\\\/\\\\\\\\}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#candidates} )) && _describe -V hayai candidates
}
if [[ \${funcstack[1]} == _hayai ]]; then _hayai "$@"; else compdef _hayai hayai; fi
`

const FISH = `# fish completion of hayai
function __hayai_complete
  set -l typed (commandline -ct)
  set -l asked (commandline -opc)[2..-1] $typed
  set -l flag (string match -r '^--[^=]*=' -- $typed; or echo '')
  set -l path (string replace -r '^--[^=]*=' '' -- $typed)
  for line in (hayai __complete $asked 2>/dev/null)
    switch $line
      case ':files'
        printf '%s\\n' $flag(__fish_complete_path $path)
      case ':folders'
        printf '%s\\n' $flag(__fish_complete_directories $path '')
      case '*'
        echo $line
    end
  end
end
complete -c hayai -f -a '(__hayai_complete)'
`

export const SHELLS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

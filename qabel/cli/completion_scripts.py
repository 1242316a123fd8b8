"""The scripts with which bash, zsh and fish ask ``qabel`` and the daemons what to offer."""

SHELLS = ("bash", "zsh", "fish")

_BASH = r"""
_qabel_completion() {
    local kind word line=${COMP_LINE:0:COMP_POINT}
    [[ $line ]] || line=$(IFS=' '; echo "${COMP_WORDS[*]:0:COMP_CWORD+1}")
    COMPREPLY=()
    while IFS=$'\t' read -r kind word; do
        case $kind in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            open) compopt -o nospace 2>/dev/null; COMPREPLY+=("$word") ;;
            plain) COMPREPLY+=("$word") ;;
        esac
    done < <(_QABEL_COMPLETE=bash COMP_LINE=$line COMP_WORDBREAKS=$COMP_WORDBREAKS \
        "${1/#\~/$HOME}" 2>/dev/null </dev/null)
}
complete -o nosort -F _qabel_completion qabel qabel-rest qabel-drop qabel-block 2>/dev/null ||
    complete -F _qabel_completion qabel qabel-rest qabel-drop qabel-block
"""

_ZSH = r"""#compdef qabel qabel-rest qabel-drop qabel-block

_qabel_completion() {
    local line kind word meaning kept
    local -a lines words_plain shown_plain words_open shown_open
    lines=("${(@f)$(_QABEL_COMPLETE=zsh ${(Q)~words[1]} "${(@Q)words[2,CURRENT-1]}" \
        "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
    for line in $lines; do
        kind=${line%%$'\t'*}
        word=${${line#*$'\t'}%%$'\t'*}
        meaning=${line##*$'\t'}
        case $kind in
            dir|file)
                kept=$word
                [[ -n $kept ]] && compset -P "${(b)kept}"
                if [[ $kind == dir ]]; then _files -/; else _files; fi ;;
            open) words_open+=("$word"); shown_open+=("$word${meaning:+  -- $meaning}") ;;
            plain) words_plain+=("$word"); shown_plain+=("$word${meaning:+  -- $meaning}") ;;
        esac
    done
    (( $#words_plain )) && compadd -U -V qabel -l -d shown_plain -a words_plain
    (( $#words_open )) && compadd -U -V qabel -S '' -l -d shown_open -a words_open
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _qabel_completion "$@"
else
    compdef _qabel_completion qabel qabel-rest qabel-drop qabel-block
fi
"""

_FISH = r"""
function _qabel_completion
    set -l before (commandline -opc)
    set -l typed (commandline -ct)
    for line in (env _QABEL_COMPLETE=fish $before[1] $before[2..-1] "$typed" 2>/dev/null </dev/null)
        set -l fields (string split \t -- $line)
        switch $fields[1]
            case dir file
                set -l path (string sub -s (math (string length -- "$fields[2]") + 1) -- "$typed")
                for found in (test $fields[1] = dir
                        and __fish_complete_directories "$path" ''
                        or __fish_complete_path "$path")
                    printf '%s%s\n' $fields[2] $found
                end
            case plain open
                printf '%s\t%s\n' $fields[2] $fields[3]
        end
    end
end

for program in qabel qabel-rest qabel-drop qabel-block
    complete --keep-order --no-files --command $program --arguments '(_qabel_completion)'
end
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion_script(shell: str) -> str:
    """Return the script for one of ``SHELLS``."""
    return _SCRIPTS[shell].lstrip("\n")

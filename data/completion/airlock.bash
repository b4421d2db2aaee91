# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of airlock and airlockd in bash. The command itself knows its commands, its options, and
# the names of guests and devices that there are now.

_airlock() {
    local line=${COMP_LINE:0:COMP_POINT} raw="" head="" row text quoted
    local -a rows

    COMPREPLY=()
    mapfile -t rows < <(airlock complete --line "$line" 2>/dev/null)

    # bash replaces only what stands behind the last ':' or '=' of a word: the rest is left out. In
    # open quotes it quotes by itself.
    if [[ ${COMP_WORDS[COMP_CWORD]} != [\"\']* ]]; then
        [[ $line =~ ([^[:space:]\\]|\\.)*$ ]] && raw=${BASH_REMATCH[0]}
        head=${raw%"$2"}
    fi
    for row in "${rows[@]}"; do
        text=${row%%$'\t'*}
        if [[ $row == $'\tfile' ]]; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$2")
            return
        fi
        quoted=$text
        [[ ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] || printf -v quoted %q "$text"
        COMPREPLY+=("${quoted#"$head"}")
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}

_airlockd() {
    local before=${COMP_WORDS[COMP_CWORD - 1]} option

    COMPREPLY=()
    # bash cuts --run-dir=/run into three words.
    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
    --*-dir | --*-file | --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "${2#=}")
        ;;
    --socket-group)
        mapfile -t COMPREPLY < <(compgen -g -- "${2#=}")
        ;;
    --listen-addr | --max-assigned-functions | --spare-root-ports | --tls-allowed-dn-list | --tls-port | \
        --tls-priority) ;;
    *)
        while read -r option; do
            [[ $option == "$2"* ]] && COMPREPLY+=("$option")
        done < <(airlockd --help 2>/dev/null | sed -n 's/^ *\(-h, \)\{0,1\}\(--[a-z-]*\).*/\2/p')
        ;;
    esac
}

complete -F _airlock airlock
complete -F _airlockd airlockd

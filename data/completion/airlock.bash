# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of airlock in bash: the command itself knows its commands, its options, and the names
# of guests and devices that there are now.

_airlock() {
    local word=${COMP_WORDS[COMP_CWORD]} first=1
    local -a options=() words=()

    # Options of airlock itself stand before the command; those that choose the daemon are kept.
    while ((first < COMP_CWORD)) && [[ ${COMP_WORDS[first]} == -* ]]; do
        case ${COMP_WORDS[first]} in
        -c | --connect)
            options+=(-c "${COMP_WORDS[first + 1]}")
            ((first++))
            ;;
        -r | --readonly) options+=(-r) ;;
        -e | --escape) ((first++)) ;;
        esac
        ((first++))
    done
    if ((first == COMP_CWORD)) && [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--connect --escape --help --json --quiet --readonly \
            --timing --version" -- "$word")
        return
    fi
    words=("${COMP_WORDS[@]:first:COMP_CWORD - first + 1}")
    mapfile -t COMPREPLY < <(airlock -q "${options[@]}" complete -- "${words[@]}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}

complete -F _airlock airlock

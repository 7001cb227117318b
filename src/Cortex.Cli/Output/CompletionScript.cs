using System.CommandLine;
using System.Text;

namespace Cortex.Cli.Output;

/// <summary>Shell completion, written from the commands themselves so that it can't drift from them.</summary>
internal static class CompletionScript
{
    /// <summary>To be sourced from ~/.bashrc.</summary>
    public static string Bash(Command root) => $$"""
        # bash completion for cortex. Load it with: source <(cortex completion bash)
        __cortex_words() {
          case "$1" in
        {{Cases(root)}}  esac
        }

        _cortex() {
          local current="${COMP_WORDS[COMP_CWORD]}" path="" word
          local index
          for ((index = 1; index < COMP_CWORD; index++)); do
            word="${COMP_WORDS[index]}"
            case " $(__cortex_words "$path") " in
              *" $word "*) [[ "$word" == -* ]] || path="$path $word" ;;
            esac
          done
          COMPREPLY=($(compgen -W "$(__cortex_words "$path")" -- "$current"))
          if [[ ${#COMPREPLY[@]} -eq 0 && "$current" != -* ]]; then
            COMPREPLY=($(compgen -f -- "$current"))
          fi
        }

        complete -o filenames -F _cortex cortex
        alias cx='cortex'
        complete -o filenames -F _cortex cx

        """;

    /// <summary>To be sourced from ~/.zshrc.</summary>
    public static string Zsh(Command root) => $$"""
        # zsh completion for cortex. Load it with: source <(cortex completion zsh)
        __cortex_words() {
          case "$1" in
        {{Cases(root)}}  esac
        }

        _cortex() {
          local path_so_far="" word
          for word in "${(@)words[2,CURRENT-1]}"; do
            case " $(__cortex_words "$path_so_far") " in
              *" $word "*) [[ "$word" == -* ]] || path_so_far="$path_so_far $word" ;;
            esac
          done
          compadd -- ${=$(__cortex_words "$path_so_far")} || _files
        }

        (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
        compdef _cortex cortex
        alias cx='cortex'
        compdef _cortex cx

        """;

    private static string Cases(Command root)
    {
        var cases = new StringBuilder();
        Append(cases, root, "");
        return cases.ToString();
    }

    private static void Append(StringBuilder cases, Command command, string path)
    {
        var words = command.Subcommands.Where(each => !each.Hidden).Select(each => each.Name)
            .Concat(command.Arguments.SelectMany(argument => argument.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty)).Select(item => item.Label))
            .Concat(command.Options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Append(option.Name)))
            .Append("--help");
        cases.Append("    \"").Append(path).Append("\") echo \"").AppendJoin(' ', words.Distinct()).Append("\" ;;\n");
        foreach (var each in command.Subcommands)
        {
            Append(cases, each, $"{path} {each.Name}");
        }
    }
}

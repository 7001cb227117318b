namespace Cortex.Cli.Output;

/// <summary>Emphasis on a terminal; plain text anywhere else.</summary>
internal readonly record struct Style(bool Enabled)
{
    /// <summary>Honours <c>NO_COLOR</c> and terminals that say they can do nothing.</summary>
    public static Style For(bool isTerminal, Func<string, string?> variable) =>
        new(isTerminal && string.IsNullOrEmpty(variable("NO_COLOR")) && variable("TERM") != "dumb");

    public string Bold(string text) => Wrap("1", text);

    public string Green(string text) => Wrap("32", text);

    public string Red(string text) => Wrap("31", text);

    private string Wrap(string code, string text) => Enabled && text.Length > 0 ? $"\e[{code}m{text}\e[0m" : text;
}

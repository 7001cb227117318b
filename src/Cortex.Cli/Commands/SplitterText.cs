using System.Globalization;
using Cortex.Cli.Output;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>What the commands say about a traffic splitter.</summary>
internal static class SplitterText
{
    /// <summary>What <c>describe</c> shows.</summary>
    public static string Describe(string environment, ApiResponse api, SplitterStatus splitter, Style style, TimeProvider time) =>
        ApiTables.Render([new ListedApi(environment, api)], showEnvironment: true, style, time)
        + $"\n{style.Bold("endpoint: ")}{api.Endpoint}\n"
        + $"\n{Targets(splitter).Render(style)}"
        + Canary(splitter.Canary, style, time);

    /// <summary>How far a canary is, after a blank line; empty without one.</summary>
    public static string Canary(CanaryStatus? canary, Style style, TimeProvider time)
    {
        if (canary is null)
        {
            return "";
        }

        var text = $"\n{style.Bold("canary: ")}{InBrief(canary)}, for {Elapsed.Since(canary.Since, time)}\n";
        if (canary.Requests is { } requests)
        {
            var slow = canary.Slow is { } count ? string.Create(CultureInfo.InvariantCulture, $", {count} over max_p99") : "";
            text += string.Create(CultureInfo.InvariantCulture, $"  in this step: {requests} requests, {canary.Errors ?? 0} failed{slow}\n");
        }

        return canary.Message.Length > 0 ? $"{text}  {canary.Message}\n" : text;
    }

    /// <summary>What follows the number of targets in a list; empty without a canary.</summary>
    public static string CanaryInBrief(ApiResponse splitter) => splitter.Splitter?.Canary is { } canary ? $" (canary: {InBrief(canary)})" : "";

    /// <summary>The weight that a target has now; that of the configuration when the operator does not say.</summary>
    public static int Weight(ApiResponse splitter, TrafficSplitterTarget target) =>
        splitter.Splitter?.Targets.FirstOrDefault(status => status.Name == target.Name)?.Weight ?? target.Weight;

    private static string InBrief(CanaryStatus canary)
    {
        var share = string.Create(CultureInfo.InvariantCulture, $"{canary.Weight}% to {canary.To}");
        var step = string.Create(CultureInfo.InvariantCulture, $"step {canary.Step} of {canary.Steps}");
        return canary.Status switch
        {
            "waiting" => $"waiting, {share}",
            "progressing" => $"{step}, {share}",
            "promoted" => $"promoted, {share}",
            "rolled_back" => $"went back from {step}, {share}",
            var other => $"{other}, {share}",
        };
    }

    private static Table Targets(SplitterStatus splitter)
    {
        var table = new Table("apis", "weights", "requests", "errors", "copies dropped") { Sorted = false };
        foreach (var target in splitter.Targets)
        {
            table.Add(
                target.Shadow ? $"{target.Name} (shadow)" : target.Name, Text(target.Weight), Text(target.Requests), Text(target.Errors),
                target.Dropped is { } dropped ? Text(dropped) : "-");
        }

        return table;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

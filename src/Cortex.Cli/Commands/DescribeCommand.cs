using System.CommandLine;
using System.Globalization;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Shows what state each replica of an API is in, and why some are not ready; of a splitter, what its targets got.</summary>
internal static class DescribeCommand
{
    private const int StateColumnWidth = 32;

    // The operator keeps more; who needs them reads its HTTP API.
    private const int DecisionsShown = 5;

    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var env = CommonOptions.Env();
        var watch = CommonOptions.Watch();
        var command = new Command("describe", "show the states of an API's replicas, or what a traffic splitter's targets got") { name, env, watch };
        CommandHelp.AddExamples(command, "cortex describe iris", "cortex describe iris --watch");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var environment = await EnvironmentResolver.ResolveAsync(host, parsed.GetValue(env), announce: !parsed.GetValue(watch), cancellationToken);
            return await Watch.RunAsync(host, parsed, parsed.GetValue(watch), token => RenderAsync(host, environment, parsed.GetValue(name)!, token), cancellationToken);
        });
        return command;
    }

    private static async Task<Rendered> RenderAsync(CliHost host, CortexEnvironment environment, string name, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        var api = await client.DescribeAsync(name, cancellationToken);
        var style = host.Style;
        if (api.Splitter is { } splitter)
        {
            return new Rendered(SplitterText.Describe(environment.Name, api, splitter, style, host.Time));
        }

        var text = ApiTables.Render([new ListedApi(environment.Name, api)], showEnvironment: true, style, host.Time)
            + ApiView.Addresses(api, style)
            + "\n" + States(api.Status?.ReplicaCounts ?? new ReplicaCounts(), style)
            + Queue(api, style)
            + Scaling(api.Scaling ?? [], style, host.Time);
        return new Rendered(text + Sentences("why:", api.Status?.Reasons, style) + Sentences("note:", api.Status?.Notes, style));
    }

    private static string Sentences(string head, IReadOnlyList<string>? sentences, Style style) =>
        sentences is { Count: > 0 } ? $"\n{style.Bold(head)}\n{string.Concat(sentences.Select(sentence => $"  {sentence}\n"))}" : "";

    private static string Queue(ApiResponse api, Style style)
    {
        var text = "";
        if (api.Queue is { } queue)
        {
            var table = new Table("request status", "request count") { FirstColumnWidth = StateColumnWidth };
            table.Add("Waiting", queue.Waiting.ToString(CultureInfo.InvariantCulture));
            table.Add("Delayed", queue.Delayed.ToString(CultureInfo.InvariantCulture));
            table.Add("InProgress", queue.InProgress.ToString(CultureInfo.InvariantCulture));
            text += $"\n{table.Render(style)}";
            text += queue.OldestWaitingSeconds is { } seconds ? $"\n{style.Bold("oldest waiting: ")}{Elapsed.Format(TimeSpan.FromSeconds(seconds))}\n" : "";
        }

        return text + (api.CallbackKey is { } key ? $"\n{style.Bold("callback key: ")}{key}\n" : "");
    }

    private static string Scaling(IReadOnlyList<ScalingStatus> decisions, Style style, TimeProvider time)
    {
        if (decisions.Count == 0)
        {
            return "";
        }

        var table = new Table("scaling since", "in flight", "asks for", "recommended", "replicas", "why") { Sorted = false };
        foreach (var decision in decisions.Take(DecisionsShown))
        {
            var since = DateTimeOffset.TryParse(decision.Since, CultureInfo.InvariantCulture, out var at) ? Elapsed.Format(time.GetUtcNow() - at) : decision.Since;
            table.Add(
                since, Number(decision.InFlight), Number(decision.Raw), Number(decision.Recommended),
                decision.Current == decision.Requested ? Number(decision.Current) : $"{Number(decision.Current)} -> {Number(decision.Requested)}", decision.Reason);
        }

        return $"\n{table.Render(style)}";
    }

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private static string States(ReplicaCounts counts, Style style)
    {
        var table = new Table("replica status", "replica count") { FirstColumnWidth = StateColumnWidth };
        (string State, int Count, bool HiddenWhenZero)[] rows =
        [
            ("Requested", counts.Requested, false), ("Pending", counts.Pending, false), ("Creating", counts.Creating, false),
            ("NotReady", counts.NotReady, false), ("Ready", counts.Ready, false), ("ReadyOutOfDate", counts.ReadyOutOfDate, false),
            ("ErrImagePull", counts.ErrImagePull, true), ("Terminating", counts.Terminating, false), ("Failed", counts.Failed, true),
            ("Killed", counts.Killed, true), ("KilledOOM", counts.KilledOOM, true), ("Stalled", counts.Stalled, true), ("Frozen", counts.Frozen, true), ("Unknown", counts.Unknown, true),
        ];
        foreach (var (state, count, hiddenWhenZero) in rows)
        {
            if (count > 0 || !hiddenWhenZero)
            {
                table.Add(state, count.ToString(CultureInfo.InvariantCulture));
            }
        }

        return table.Render(style) + NodeGroups(counts, style);
    }

    private static string NodeGroups(ReplicaCounts counts, Style style)
    {
        if (counts.NodeGroups is not { Count: > 0 } groups)
        {
            return "";
        }

        var table = new Table("node group", "replica count") { FirstColumnWidth = StateColumnWidth };
        foreach (var (group, count) in groups)
        {
            table.Add(group, count.ToString(CultureInfo.InvariantCulture));
        }

        return $"\n{table.Render(style)}";
    }
}

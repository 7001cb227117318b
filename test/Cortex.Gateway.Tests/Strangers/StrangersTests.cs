using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Strangers;

/// <summary>
/// One client never gets another's bytes, whatever a replica does: clients that know their own answers, over HTTP/1.1 and HTTP/2,
/// through a splitter with a shadow, and calls of the gateway's own, all at once with one misbehaving replica.
/// </summary>
public sealed class StrangersTests
{
    // CORTEX_EXCHANGES=1000000 is the long form, some minutes.
    private static readonly int Exchanges =
        int.TryParse(Environment.GetEnvironmentVariable("CORTEX_EXCHANGES"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 3000;

    private const int Clients = 32;
    private readonly ConcurrentQueue<string> _wrong = [];
    private readonly ConcurrentDictionary<string, int> _outcomes = new(StringComparer.Ordinal);

    [Fact]
    public async Task Replica_MisbehavesAtRandom_NobodyGetsAnothersBytes()
    {
        await using var replica = new MisbehavingReplica();
        await using var gateway = await TestGateway.StartAsync(
            Routes.Api("api", 8, 1000, replica.Address), Routes.Api("shadow", 8, 1000, replica.Address with { Id = "r2" }));
        gateway.Server.Apply(new GatewayRoutes(
            [Routes.Api("api", 8, 1000, replica.Address), Routes.Api("shadow", 8, 1000, replica.Address with { Id = "r2" })])
        {
            Splits = [Routes.Split("split", new SplitTarget("api", 100, Shadow: false), new SplitTarget("shadow", 100, Shadow: true))],
        });
        using var calls = new ReplicaClient(replica.Address, new GatewayOptions(), TimeProvider.System);

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            for (var i = client; i < Exchanges && _wrong.IsEmpty; i += Clients)
            {
                await ExchangeAsync(gateway, calls, i);
            }
        })));

        TestContext.Current.SendDiagnosticMessage(
            $"{Exchanges} exchanges over {replica.Connections} connections: {string.Join(", ", _outcomes.OrderBy(o => o.Key).Select(o => $"{o.Value} {o.Key}"))}");
        Assert.Empty(_wrong);
        Assert.InRange(_outcomes["whole"], Exchanges / 2, Exchanges);
        Assert.InRange(replica.Connections, 1, Exchanges * 2 / 3);   // connections are used again
    }

    private async Task ExchangeAsync(TestGateway gateway, ReplicaClient calls, int number)
    {
        var token = new Token($"t{number}-{number * 7919L:x}");
        var random = new Random(number);
        string outcome;
        try
        {
            outcome = random.Next(10) == 0
                ? await CallAsync(calls, token)
                : await AskAsync(gateway, token, random);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            outcome = "failed";
        }

        _outcomes.AddOrUpdate(outcome, 1, static (_, count) => count + 1);
    }

    private async Task<string> AskAsync(TestGateway gateway, Token token, Random random)
    {
        using var request = new HttpRequestMessage(
            random.Next(10) switch { 0 => HttpMethod.Head, < 4 => HttpMethod.Post, _ => HttpMethod.Get },
            $"{random.Next(6) switch { 0 => "split", 1 => "shadow", _ => "api" }}/{token.Text}")
        {
            Version = random.Next(3) == 0 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (request.Method == HttpMethod.Post)
        {
            request.Content = new ByteArrayContent(new byte[random.Next(5) == 0 ? random.Next(50_000) : random.Next(100)]);
        }

        using var leave = new CancellationTokenSource();
        if (random.Next(30) == 0)
        {
            leave.CancelAfter(random.Next(4));
        }

        using var answer = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
        if (!answer.Headers.TryGetValues(Token.Header, out var values))
        {
            return answer.StatusCode == HttpStatusCode.BadGateway ? "refused" : Wrong(token, $"{answer.StatusCode} of nobody");
        }

        if (values.Single() != token.Text)
        {
            return Wrong(token, $"the head of {values.Single()}");
        }

        var stream = await answer.Content.ReadAsStreamAsync(leave.Token);
        var buffer = new byte[16 * 1024];
        var length = 0;
        while (await stream.ReadAsync(buffer, leave.Token) is > 0 and var count)
        {
            if (!token.Matches(buffer.AsSpan(0, count), length))
            {
                return Wrong(token, "bytes of another body");
            }

            length += count;
        }

        if (request.Method != HttpMethod.Head && answer.Headers.TryGetValues("X-Length", out var lengths)
            && lengths.Single() != length.ToString(CultureInfo.InvariantCulture))
        {
            return Wrong(token, $"{length} bytes instead of {lengths.Single()}");
        }

        if (answer.TrailingHeaders.TryGetValues("X-Trailer", out var trailers) && trailers.Single() != token.Text)
        {
            return Wrong(token, $"the trailer of {trailers.Single()}");
        }

        return "whole";
    }

    private async Task<string> CallAsync(ReplicaClient calls, Token token)
    {
        await using var call = calls.Call();
        await call.OpenAsync(calls.Host, "/" + token.Text);
        try
        {
            await call.SendAsync(new byte[10]);
        }
        catch (BadUpstreamAnswerException)
        {
            return "refused";
        }

        var length = 0;
        while (await call.ReadAsync() is { Length: > 0 } run)
        {
            if (!token.Matches(run.Span, length))
            {
                return Wrong(token, "bytes of another body, in a call");
            }

            length += run.Length;
        }

        return "whole";
    }

    private string Wrong(Token token, string what)
    {
        _wrong.Enqueue($"{token.Text} got {what}");
        return "wrong";
    }
}

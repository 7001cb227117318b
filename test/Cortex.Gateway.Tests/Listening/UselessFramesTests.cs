using System.Buffers;
using System.Net;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Listening;

/// <summary>HTTP/2 frames that move nothing end their connection; those of clients that work do not.</summary>
public sealed class UselessFramesTests
{
    public static TheoryData<string, byte[]> Floods => new()
    {
        { "PING", RawHttp2.Frame(RawHttp2.Ping, 0, 0, new byte[8]) },
        { "answers to no PING", RawHttp2.Frame(RawHttp2.Ping, RawHttp2.Ack, 0, new byte[8]) },
        { "SETTINGS", RawHttp2.Frame(RawHttp2.Settings, 0, 0, []) },
        { "WINDOW_UPDATE", RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 0, [0, 0, 0, 1]) },
        { "WINDOW_UPDATE of a stream", RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 1, [0, 0, 0, 1]) },
        { "empty DATA", RawHttp2.Frame(RawHttp2.Data, 0, 1, []) },
        { "unknown", RawHttp2.Frame(0xEE, 0, 0, []) },
    };

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task Frames_WithoutUse_EndTheConnection(string what, byte[] frame)
    {
        await using var replica = await AppUpstream.StartAsync(static async http => await http.Request.Body.CopyToAsync(Stream.Null));
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawHttp2.OpenAsync(gateway.EndPoint);
        await client.SendAsync(RawHttp2.Request(1, "POST", "/api", endStream: false, ("content-length", "10")));
        await client.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 1, "x"u8));
        var reading = client.ReadToEndAsync();
        byte[] many = [.. Enumerable.Repeat(frame, 1000).SelectMany(static bytes => bytes)];

        Assert.True(await SendUntilClosedAsync(client, many), $"a flood of {what} never ends");
        await reading.WithinLimit();
        Assert.Equal("ok", await ServedAsync(gateway));
    }

    [Fact]
    public async Task Requests_TakenBackAtOnce_EndTheConnection()
    {
        await using var replica = await AppUpstream.StartAsync(static http => Task.Delay(Timeout.Infinite, http.RequestAborted));
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 10, 10, replica.Address()));
        using var client = await RawHttp2.OpenAsync(gateway.EndPoint);
        var reading = client.ReadToEndAsync();
        var stream = -1;

        byte[] Next()
        {
            stream += 2;
            return [.. RawHttp2.Request(stream, "GET", "/api", endStream: true), .. RawHttp2.Frame(RawHttp2.Reset, 0, stream, [0, 0, 0, 8])];
        }

        var closed = false;
        for (var i = 0; i < 200 && !closed; i++)
        {
            closed = await SendUntilClosedAsync(client, [.. Enumerable.Range(0, 100).SelectMany(_ => Next())], rounds: 1);
        }

        Assert.True(closed, "requests that are taken back never end it");
        await reading.WithinLimit();
        Assert.Equal("ok", await ServedAsync(gateway));
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api")!.Value.InFlight == 0, "every slot is free");
    }

    [Fact]
    public async Task Client_AcknowledgesEveryKilobyte_IsServed()
    {
        await using var replica = await AppUpstream.StartAsync(static async http =>
        {
            var part = new byte[64 * 1024];
            for (var i = 0; i < 640; i++)
            {
                await http.Response.Body.WriteAsync(part);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawHttp2.OpenAsync(gateway.EndPoint);
        await client.SendAsync(RawHttp2.Request(1, "GET", "/api", endStream: true));
        long taken = 0;
        var updates = new ArrayBufferWriter<byte>();
        while (await client.ReadAsync(1, RawHttp2.Data) is { } data)
        {
            taken += data.Payload.Length;
            if ((data.Flags & RawHttp2.EndStream) != 0)
            {
                break;
            }

            updates.ResetWrittenCount();
            for (var left = data.Payload.Length; left > 0; left -= 512)
            {
                byte[] size = [0, 0, (byte)(Math.Min(left, 512) >> 8), (byte)Math.Min(left, 512)];
                updates.Write(RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 1, size));
                updates.Write(RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 0, size));
            }

            await client.SendAsync(updates.WrittenMemory);
        }

        Assert.Equal(640L * 64 * 1024, taken);   // 160,000 acknowledgements
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Scan_HoweverTheBytesAreSplit_CountsTheSame(int size)
    {
        var budget = new FrameBudget(new ManualTime());
        var scanner = new FrameScanner(budget);
        byte[] bytes =
        [
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Request(1, "POST", "/", endStream: false),
            .. Enumerable.Range(0, FrameBudget.Burst).SelectMany(static _ => RawHttp2.Frame(RawHttp2.Ping, 0, 0, new byte[8])),
        ];

        for (var i = 0; i < bytes.Length; i += size)
        {
            Assert.True(scanner.TryScan(new ReadOnlySequence<byte>(bytes, i, Math.Min(size, bytes.Length - i))));
        }

        Assert.False(budget.TrySpend(1));
    }

    [Fact]
    public void Budget_TimeAndBytes_RefillIt()
    {
        var time = new ManualTime();
        var budget = new FrameBudget(time);
        Assert.True(budget.TrySpend(FrameBudget.Burst));
        Assert.False(budget.TrySpend(1));

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(budget.TrySpend(FrameBudget.PerSecond - 10));
        budget.Earn(32 * 100);
        Assert.True(budget.TrySpend(100));
        Assert.False(budget.TrySpend(100));
        time.Advance(TimeSpan.FromDays(1));
        Assert.True(budget.TrySpend(1));
        Assert.True(budget.TrySpend(FrameBudget.Burst));
        Assert.False(budget.TrySpend(1));   // no more than a burst is saved up
    }

    private static async Task<bool> SendUntilClosedAsync(RawHttp2 client, byte[] bytes, int rounds = 100_000)
    {
        try
        {
            for (var i = 0; i < rounds; i++)
            {
                await client.SendAsync(bytes);
            }

            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task<string> ServedAsync(TestGateway gateway)
    {
        using var answer = await gateway.Client.GetAsync("none");
        return answer.StatusCode == HttpStatusCode.NotFound ? "ok" : $"{answer.StatusCode}";
    }
}

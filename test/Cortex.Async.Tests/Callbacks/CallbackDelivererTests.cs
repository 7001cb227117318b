using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cortex.Async.Callbacks;
using Cortex.Async.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Tests.Callbacks;

public sealed class CallbackDelivererTests
{
    [Fact]
    public async Task Completed_Callback_PostsTheSignedStatus()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync();

        var id = await host.CompleteAsync(receiver.Url, "{\"a\":\"\u00e4\"}");
        var state = await host.EndedAsync(id);

        Assert.Equal("delivered", state.Status);
        Assert.Equal(receiver.Url, state.Url);
        Assert.Empty(state.Attempts);
        var request = Assert.Single(receiver.Requests);
        Assert.Equal("POST", request.Method);
        Assert.Equal("/done?x=1", request.Target);
        Assert.Equal("application/json", request.Headers["Content-Type"]);
        Assert.Equal(request.Body.Length.ToString(CultureInfo.InvariantCulture), request.Headers["Content-Length"]);
        Assert.Equal(id.ToString(), request.Headers["X-Cortex-Request-ID"]);
        Assert.Equal("iris", request.Headers["X-Cortex-API-Name"]);
        Assert.Equal($"{host.Time.GetUtcNow().ToUnixTimeSeconds()}", request.Headers["X-Cortex-Timestamp"]);
        Assert.Equal(
            $"{{\"id\":\"{id}\",\"status\":\"completed\",\"result\":{{\"a\":\"\u00e4\"}},\"timestamp\":\"{host.Time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}\"}}\n",
            Encoding.UTF8.GetString(request.Body));
        AssertSigned(request);
        Assert.Equal("delivered", (await host.DocumentAsync(id)).GetProperty("callback").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Completed_LargeResult_IsStreamedAndSigned()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync();
        var id = await host.SubmitAsync(receiver.Url);
        var lease = (await host.LeaseAsync()).Lease;
        var result = Encoding.UTF8.GetBytes("\"" + new string('r', 2_000_000) + "\"");
        await host.Store.Blobs.WriteAsync(BlobNames.Result(lease), new MemoryStream(result), CancellationToken.None);
        await host.Store.CompleteAsync(lease, Body.InBlob(BlobNames.Result(lease), result.Length), CancellationToken.None);

        Assert.Equal("delivered", (await host.EndedAsync(id)).Status);

        var request = Assert.Single(receiver.Requests);
        Assert.Equal(2_000_000, JsonDocument.Parse(request.Body).RootElement.GetProperty("result").GetString()!.Length);
        Assert.Equal(request.Body.Length.ToString(CultureInfo.InvariantCulture), request.Headers["Content-Length"]);
        AssertSigned(request);
    }

    [Fact]
    public async Task FailedAndCancelled_Callbacks_AreDeliveredToo()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync();
        await host.SubmitAsync(receiver.Url);
        var attempt = new Attempt { Started = host.Time.GetUtcNow(), Ended = host.Time.GetUtcNow(), Worker = "pod-1", Reason = "timeout", Message = "too slow" };
        await host.Store.FailAsync((await host.LeaseAsync()).Lease, attempt, null, null, CancellationToken.None);
        await receiver.CountAsync(1);
        var id = await host.SubmitAsync(receiver.Url);
        await host.Store.CancelAsync("async/iris", id, CancellationToken.None);
        await receiver.CountAsync(2);

        var bodies = receiver.Requests.Select(static request => JsonDocument.Parse(request.Body).RootElement).ToArray();

        Assert.Equal(["failed", "cancelled"], bodies.Select(static body => body.GetProperty("status").GetString()));
        Assert.Equal("timeout", bodies[0].GetProperty("error").GetProperty("reason").GetString());
        Assert.False(bodies[0].TryGetProperty("callback", out _));
    }

    [Fact]
    public async Task Refused_ThenTaken_IsRetriedWithGrowingPauses()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http =>
        {
            http.Response.StatusCode = 500;
            return http.Response.WriteAsync(new string('e', 3000));
        };
        await using var host = await CallbackHost.StartAsync();
        var id = await host.CompleteAsync(receiver.Url);

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var state = await host.AttemptedAsync(id, attempt);
            Assert.Equal("pending", state.Status);
            Assert.Equal("bad_status", state.Attempts[^1].Reason);
            Assert.Equal(500, state.Attempts[^1].StatusCode);
            Assert.Equal(new string('e', 1024), state.Attempts[^1].Answer);
            var delivery = Assert.Single(Callbacks(host));
            Assert.Equal(host.Time.GetUtcNow() + (TimeSpan.FromSeconds(5) * Math.Pow(2, attempt - 1)), delivery.NotBefore);
            if (attempt == 3)
            {
                receiver.Answer = static _ => Task.CompletedTask;
            }

            host.Time.Advance(TimeSpan.FromSeconds(5) * Math.Pow(2, attempt - 1));
        }

        var end = await host.EndedAsync(id);
        Assert.Equal("delivered", end.Status);
        Assert.Equal(3, end.Attempts.Count);
        Assert.Equal(4, receiver.Requests.Count);
        Assert.All(receiver.Requests, AssertSigned);
        Assert.Equal(4, receiver.Requests.Select(static request => request.Headers["X-Cortex-Timestamp"]).Distinct().Count());
    }

    [Fact]
    public async Task Refused_EveryTime_IsGivenUpAndSaysSo()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http =>
        {
            http.Response.StatusCode = 404;
            return Task.CompletedTask;
        };
        await using var host = await CallbackHost.StartAsync(
            new CallbackOptions { AllowPrivateTargets = true, Attempts = 3, Backoff = TimeSpan.FromMinutes(4), BackoffMax = TimeSpan.FromMinutes(5) });
        var id = await host.CompleteAsync(receiver.Url);

        await host.AttemptedAsync(id, 1);
        host.Time.Advance(TimeSpan.FromMinutes(4));
        await host.AttemptedAsync(id, 2);
        Assert.Equal(host.Time.GetUtcNow() + TimeSpan.FromMinutes(5), Assert.Single(Callbacks(host)).NotBefore);   // not 8: capped
        host.Time.Advance(TimeSpan.FromMinutes(5));
        var state = await host.EndedAsync(id);

        Assert.Equal("failed", state.Status);
        Assert.Equal(3, state.Attempts.Count);
        var callback = (await host.DocumentAsync(id)).GetProperty("callback");
        Assert.Equal("failed", callback.GetProperty("status").GetString());
        Assert.Equal(3, callback.GetProperty("attempts").GetArrayLength());
        Assert.Equal(receiver.Url, callback.GetProperty("url").GetString());
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = http =>
        {
            http.Response.Redirect($"http://127.0.0.1:{receiver.Port}/elsewhere");
            return Task.CompletedTask;
        };
        await using var host = await CallbackHost.StartAsync();
        var id = await host.CompleteAsync(receiver.Url);

        var state = await host.AttemptedAsync(id, 1);

        Assert.Equal(302, state.Attempts[0].StatusCode);
        Assert.Equal("/done?x=1", Assert.Single(receiver.Requests).Target);
    }

    [Fact]
    public async Task ReceiverThatNeverAnswers_IsATimeout()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        await using var host = await CallbackHost.StartAsync();
        var id = await host.CompleteAsync(receiver.Url);
        await receiver.CountAsync(1);

        host.Time.Advance(TimeSpan.FromSeconds(30));
        var state = await host.AttemptedAsync(id, 1);

        Assert.Equal("timeout", state.Attempts[0].Reason);
        Assert.Equal(TimeSpan.FromSeconds(30), state.Attempts[0].Ended - state.Attempts[0].Started);
    }

    [Fact]
    public async Task ErrorThatNeverEnds_IsATimeout()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static async http =>
        {
            http.Response.StatusCode = 500;
            await http.Response.WriteAsync("half");
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        };
        await using var host = await CallbackHost.StartAsync();
        var id = await host.CompleteAsync(receiver.Url);
        await receiver.CountAsync(1);
        await Task.Delay(50);   // the head of the answer arrives, probably; either way it is a timeout

        host.Time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal("timeout", (await host.AttemptedAsync(id, 1)).Attempts[0].Reason);
    }

    [Fact]
    public async Task NobodyListens_IsUnreachable()
    {
        using var taken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));   // bound and not listening: nobody else takes the port
        await using var host = await CallbackHost.StartAsync();

        var id = await host.CompleteAsync($"http://127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}/");
        var state = await host.AttemptedAsync(id, 1);

        Assert.Equal("unreachable", state.Attempts[0].Reason);
        Assert.Null(state.Attempts[0].StatusCode);
        Assert.Equal("pending", state.Status);
    }

    [Fact]
    public async Task ReceiverThatHangsUp_IsUnreachable()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http =>
        {
            http.Abort();
            return Task.CompletedTask;
        };
        await using var host = await CallbackHost.StartAsync();

        var id = await host.CompleteAsync(receiver.Url);

        Assert.Equal("unreachable", (await host.AttemptedAsync(id, 1)).Attempts[0].Reason);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]
    public async Task PrivateTarget_IsNeverCalled(string name)
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync(new CallbackOptions());

        var id = await host.CompleteAsync($"http://{name}:{receiver.Port}/");   // past the check at submit
        var state = await host.EndedAsync(id);

        Assert.Equal("failed", state.Status);
        Assert.Equal("target_refused", Assert.Single(state.Attempts).Reason);
        Assert.Contains("callbacks.allowed_targets", state.Attempts[0].Message, StringComparison.Ordinal);
        Assert.Empty(receiver.Requests);
    }

    [Fact]
    public async Task NameOfTheInnerNetwork_LooksLikeOneThatNobodyKnows()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync(new CallbackOptions());

        var inner = await host.AttemptedAsync(await host.CompleteAsync($"http://localhost:{receiver.Port}/"), 1);
        var unknown = await host.AttemptedAsync(await host.CompleteAsync($"http://nobody.invalid:{receiver.Port}/"), 1);

        Assert.Equal(("unreachable", "pending"), (inner.Attempts[0].Reason, inner.Status));
        Assert.Equal((unknown.Attempts[0].Reason, unknown.Attempts[0].Message, unknown.Status), (inner.Attempts[0].Reason, inner.Attempts[0].Message, inner.Status));
        Assert.DoesNotContain("127.0.0.1", inner.Attempts[0].Message, StringComparison.Ordinal);
        Assert.Empty(receiver.Requests);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.0/8")]
    [InlineData("localhost", "localhost")]
    public async Task AllowedTarget_IsCalled(string name, string allowed)
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync(new CallbackOptions { AllowedTargets = [allowed] });

        var id = await host.CompleteAsync($"http://{name}:{receiver.Port}/");

        Assert.Equal("delivered", (await host.EndedAsync(id)).Status);
    }

    [Fact]
    public async Task ApiNotDeployed_IsTriedAgain()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync();
        host.IsDeployed = false;
        var id = await host.CompleteAsync(receiver.Url);
        Assert.Equal("api_unknown", (await host.AttemptedAsync(id, 1)).Attempts[0].Reason);

        host.IsDeployed = true;
        host.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("delivered", (await host.EndedAsync(id)).Status);
    }

    [Fact]
    public async Task RequestPutBackMeanwhile_OnlyTheLastStateIsCalledBack()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync();
        await host.StopAsync();
        var id = await host.SubmitAsync(receiver.Url);
        await host.Store.CancelAsync("async/iris", id, CancellationToken.None);
        await host.Store.RetryAsync("async/iris", id, CancellationToken.None);
        await host.Store.CompleteAsync((await host.LeaseAsync()).Lease, Body.Of("1"u8.ToArray()), CancellationToken.None);

        await host.StartAsync();
        Assert.Equal("delivered", (await host.EndedAsync(id)).Status);
        await Eventually.TrueAsync(() => Callbacks(host).All(static delivery => delivery.FinishedAt is not null), "both have ended");

        var request = Assert.Single(receiver.Requests);
        Assert.Equal("completed", JsonDocument.Parse(request.Body).RootElement.GetProperty("status").GetString());
        Assert.Equal("request_put_back", Callbacks(host).Single(static delivery => delivery.Status == MessageStatus.Failed).Attempts[0].Reason);
    }

    [Fact]
    public async Task Stop_CallbackInProgress_IsPutBackAndDeliveredByTheNext()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        await using var host = await CallbackHost.StartAsync();
        var id = await host.CompleteAsync(receiver.Url);
        await receiver.CountAsync(1);

        await host.StopAsync();
        var between = Assert.Single(Callbacks(host));
        receiver.Answer = static _ => Task.CompletedTask;
        await host.StartAsync();

        Assert.Equal(MessageStatus.Waiting, between.Status);
        Assert.Empty(between.Attempts);
        Assert.Equal("delivered", (await host.EndedAsync(id)).Status);
    }

    [Fact]
    public async Task StoreTrouble_PassesAndAllIsDelivered()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var host = await CallbackHost.StartAsync(new CallbackOptions { AllowPrivateTargets = true, Concurrency = 1 });
        receiver.Answer = _ =>
        {
            host.Store.Trouble ??= receiver.Requests.Count == 1 ? new StoreUnavailableException("the database does not answer") : null;
            return Task.CompletedTask;
        };
        var first = await host.CompleteAsync(receiver.Url);
        await Eventually.TrueAsync(() => host.Store.Refused > 0, "the store failed");
        host.Store.Trouble = null;
        var second = await host.CompleteAsync(receiver.Url);
        for (var i = 0; i < 10 && (await host.StateAsync(second)).Status == "pending"; i++)
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(20);
        }

        Assert.Equal("delivered", (await host.EndedAsync(second)).Status);
        Assert.Equal("pending", (await host.StateAsync(first)).Status);   // until its lease expires: it is delivered again then
    }

    [Fact]
    public async Task ManyCallbacks_NeverMoreThanConcurrencyAtATime()
    {
        await using var receiver = await Receiver.StartAsync();
        var (now, most) = (0, 0);
        var gate = new Lock();
        receiver.Answer = async _ =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++now);
            }

            await Task.Delay(5);
            lock (gate)
            {
                now--;
            }
        };
        await using var host = await CallbackHost.StartAsync(new CallbackOptions { AllowPrivateTargets = true, Concurrency = 3 });
        List<MessageId> ids = [];
        for (var i = 0; i < 30; i++)
        {
            ids.Add(await host.CompleteAsync(receiver.Url));
        }

        foreach (var id in ids)
        {
            Assert.Equal("delivered", (await host.EndedAsync(id)).Status);
        }

        Assert.InRange(most, 2, 3);
        Assert.Equal(30, receiver.Requests.Select(static request => request.Headers["X-Cortex-Request-ID"]).Distinct().Count());
    }

    [Fact]
    public async Task ReceiverThatHangs_DoesNotHoldUpOthers()
    {
        await using var hanging = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        hanging.Answer = static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        await using var host = await CallbackHost.StartAsync(new CallbackOptions { AllowPrivateTargets = true, Concurrency = 2, Timeout = TimeSpan.FromHours(1) });
        List<MessageId> stuck = [];
        for (var i = 0; i < 6; i++)
        {
            stuck.Add(await host.CompleteAsync(hanging.Url));
        }

        await hanging.CountAsync(2);   // every place is taken, once
        host.Time.Advance(TimeSpan.FromHours(1));

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("delivered", (await host.EndedAsync(await host.CompleteAsync(receiver.Url))).Status);
        }

        Assert.InRange(hanging.Requests.Count, 2, 3);   // one more at most took a place
        hanging.Answer = static _ => Task.CompletedTask;
        host.Time.Advance(TimeSpan.FromHours(1));
        foreach (var id in stuck)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            while ((await host.StateAsync(id)).Status == "pending")
            {
                Assert.True(watch.Elapsed < Eventually.Limit, "it is delivered when the receiver answers again");
                host.Time.Advance(TimeSpan.FromSeconds(20));   // much less than the timeout: a busy machine may be slow to answer
                await Task.Delay(20);
            }

            Assert.Equal("delivered", (await host.StateAsync(id)).Status);
            Assert.All((await host.StateAsync(id)).Attempts, static attempt => Assert.Equal("timeout", attempt.Reason));
        }
    }

    private static MessageRecord[] Callbacks(CallbackHost host) =>
        [.. host.Store.ListAsync("callbacks", new MessageQuery(null, 1000, null), CancellationToken.None).AsTask().Result.Messages];

    /// <summary>Checks the signature as a receiver would, with nothing of the product's.</summary>
    private static void AssertSigned(Received request)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(request.Headers["X-Cortex-Timestamp"] + "."), .. request.Body];
        Assert.Equal("sha256=" + Convert.ToHexString(HMACSHA256.HashData(CallbackHost.Key, signed)).ToLowerInvariant(), request.Headers["X-Cortex-Signature"]);
    }
}

using Cortex.Background;
using Cortex.Dispatch;
using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Answers;

/// <summary>
/// Takes a container's answer as a result: 1. status; 2. content type; 3. body, checked while it arrives; small ones stay in memory, large
/// ones go on to the blob store.
/// </summary>
internal static class AnswerReader
{
    /// <summary>Reads the answer of a call whose head has arrived.</summary>
    /// <exception cref="AttemptFailedException">It is no result.</exception>
    public static async ValueTask<Body> ReadAsync(ReplicaCall call, int inlineLimit, IBlobStore blobs, HeldMessage work)
    {
        var status = call.Status;
        var maxResult = work.Policy.MaxResult;
        if (status is < 200 or > 299)
        {
            var answer = await AnswerStart.ReadAsync(call);
            throw new AttemptFailedException(FailureReason.BadStatus, $"the container answered with status {status}; success is 2xx", status, answer);
        }

        if (status is 204 or 205)
        {
            throw new AttemptFailedException(FailureReason.NotJson, $"the container answered with status {status} and so without a body; the result must be JSON", status);
        }

        if (!IsJson(call.ContentType) || call.ContentEncoding is not ("" or "identity"))
        {
            var what = IsJson(call.ContentType) ? $"is encoded as {call.ContentEncoding}; send it as it is"
                : call.ContentType.Length == 0 ? "has no Content-Type; it must be application/json"
                : $"has the Content-Type {Shorten(call.ContentType)}; it must be application/json";
            throw new AttemptFailedException(FailureReason.BadContentType, $"the container's answer {what}", status, await AnswerStart.ReadAsync(call));
        }

        // Only the last attempt's answer is kept: the one before is of no interest when there is another.
        var body = new AnswerBody(call, maxResult, keepsBad: work.IsLastAttempt);
        if (call.ContentLength > maxResult)
        {
            throw body.TooLarge();
        }

        Body result;
        try
        {
            result = await TakeAsync(body, call.ContentLength, inlineLimit, blobs, work);
        }
        catch (Exception e) when (body.Failure is not null && e is (StoreFullException or StoreUnavailableException))
        {
            throw body.Failure!;   // it can't be kept
        }

        return body.Failure is { } failure ? throw failure.With(result) : result;
    }

    private static async ValueTask<Body> TakeAsync(AnswerBody body, long? expected, int inlineLimit, IBlobStore blobs, HeldMessage work)
    {
        var room = new byte[Math.Min(expected ?? 4096, inlineLimit)];
        var length = 0;
        while (await body.ReadAsync() is { Length: > 0 } run)
        {
            if (length + run.Length > inlineLimit)
            {
                await PoolHop.LeaveSocketThread();   // files are not opened on a thread that serves sockets
                await using var stream = new AnswerStream(body, room.AsMemory(0, length), run);
                var name = BlobNames.Result(work.Message.Lease);
                return Body.InBlob(name, await blobs.WriteAsync(name, stream, work.Aborted));
            }

            if (length + run.Length > room.Length)
            {
                Array.Resize(ref room, Math.Min(inlineLimit, Math.Max(room.Length * 2, length + run.Length)));
            }

            run.CopyTo(room.AsMemory(length));
            length += run.Length;
        }

        return Body.Of(length == room.Length ? room : room.AsSpan(0, length).ToArray());
    }

    /// <summary>Whether a Content-Type is JSON's or one that builds on it, whatever its parameters.</summary>
    public static bool IsJson(ReadOnlySpan<char> contentType)
    {
        var end = contentType.IndexOf(';');
        var type = (end < 0 ? contentType : contentType[..end]).Trim();
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (type.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "...";
}

using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Endpoint;

/// <summary>Takes in a request's head and payload: small payloads into rented memory, large ones into the blob store.</summary>
internal sealed class PayloadIntake(IBlobStore blobs, AsyncOptions options, TimeProvider time)
{
    /// <summary>Reads the body. A small one that is there already, as is usual, is taken at once and without allocating.</summary>
    /// <param name="http">The request.</param>
    /// <param name="id">Names the payload in the blob store.</param>
    /// <param name="headLength">How much room to leave for the head.</param>
    /// <param name="maxPayload">Largest payload, in bytes.</param>
    /// <param name="withDigest">Whether a digest of the payload is wanted.</param>
    /// <exception cref="PayloadException">It is too large, or does not arrive.</exception>
    public ValueTask<TakenRequest> TakeAsync(HttpContext http, MessageId id, int headLength, long maxPayload, bool withDigest)
    {
        if (http.Request.ContentLength > maxPayload)
        {
            throw PayloadReader.TooLarge(maxPayload);
        }

        var inlineLimit = (int)Math.Min(options.InlineLimit, maxPayload);
        var body = http.Request.BodyReader;
        if (body.TryRead(out var there))
        {
            if (there.IsCompleted && there.Buffer.Length <= inlineLimit)
            {
                var taken = TakenRequest.Small(headLength, there.Buffer, withDigest);
                body.AdvanceTo(there.Buffer.End);
                return ValueTask.FromResult(taken);
            }

            body.AdvanceTo(there.Buffer.Start);
        }

        return ReadAsync(http, id, headLength, maxPayload, inlineLimit, withDigest);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<TakenRequest> ReadAsync(HttpContext http, MessageId id, int headLength, long maxPayload, int inlineLimit, bool withDigest)
    {
        var body = http.Request.BodyReader;
        using var reader = new PayloadReader(body, maxPayload, options.UploadIdleTimeout, time);
        var start = await reader.PeekAsync(inlineLimit);
        if (start.Buffer.Length <= inlineLimit)
        {
            var taken = TakenRequest.Small(headLength, start.Buffer, withDigest);
            body.AdvanceTo(start.Buffer.End);
            return taken;
        }

        body.AdvanceTo(start.Buffer.Start);
        var name = BlobNames.Payload(id);
        using var digest = withDigest ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        await using var stream = new PayloadStream(reader, http.Request.ContentLength, digest);
        var left = http.RequestAborted;
        var length = await Task.Run(() => blobs.WriteAsync(name, stream, left), left);   // it may block; this thread serves sockets
        return TakenRequest.Large(headLength, name, length, digest?.GetHashAndReset());
    }
}

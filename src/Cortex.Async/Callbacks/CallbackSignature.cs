using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Cortex.Async.Endpoint;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Callbacks;

/// <summary>Signs callbacks, so that their receiver knows who sent them and when.</summary>
internal static class CallbackSignature
{
    /// <summary>The value of <c>X-Cortex-Signature</c>: <c>sha256=</c> and the HMAC of the timestamp, a dot and the body, in lower-case hexadecimal.</summary>
    /// <param name="key">The API's key.</param>
    /// <param name="timestamp">Unix time in seconds, as <c>X-Cortex-Timestamp</c> has it.</param>
    /// <param name="body">The body.</param>
    /// <param name="blobs">Where a large result is read from.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async ValueTask<string> ComputeAsync(
        ReadOnlyMemory<byte> key, long timestamp, RequestDocument body, IBlobStore blobs, CancellationToken cancellationToken)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        hmac.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{timestamp}.")));
        hmac.AppendData(body.Before.Span);
        if (body.Blob is not null)
        {
            await using var result = await body.OpenAsync(blobs, cancellationToken);
            var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
            try
            {
                for (int count; (count = await result.ReadAsync(buffer, cancellationToken)) > 0;)
                {
                    hmac.AppendData(buffer, 0, count);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            hmac.AppendData(body.After.Span);
        }

        return "sha256=" + Convert.ToHexStringLower(hmac.GetHashAndReset());
    }
}

using System.Text;
using Cortex.Gateway.Replicas;

namespace Cortex.Dispatch;

/// <summary>The start of an answer that is no result, to show it.</summary>
public static class AnswerStart
{
    /// <summary>Bytes that are kept.</summary>
    public const int Limit = 1024;

    private const int Drained = 16 * 1024;

    /// <summary>Text of the first kilobyte of bytes that may be anything.</summary>
    public static string Show(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, Limit)]).Replace('\0', '\uFFFD');

    /// <summary>The start of an answer that is no result; a short one is read to its end, so that its connection can be used again.</summary>
    public static async ValueTask<string> ReadAsync(ReplicaCall call)
    {
        var start = new byte[Limit];
        var length = 0;
        try
        {
            for (var read = 0; read < Drained;)
            {
                var run = await call.ReadAsync();
                if (run.IsEmpty)
                {
                    break;
                }

                var part = run.Span[..Math.Min(run.Length, start.Length - length)];
                part.CopyTo(start.AsSpan(length));
                length += part.Length;
                read += run.Length;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // What arrived before says more than that it broke off.
        }

        return Show(start.AsSpan(0, length));
    }
}

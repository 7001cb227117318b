using System.Globalization;
using System.Net;

namespace Cortex.Runtimes.Docker;

/// <summary>Where the programs of a pod listen, as the kernel tells.</summary>
internal static class ListeningSockets
{
    private const string Listening = "0A";

    /// <summary>Whether a port is listened on, but on loopback addresses only: nothing outside of the pod reaches it then.</summary>
    /// <param name="pid">A process of the pod; where it is none of this machine, the answer is no.</param>
    /// <param name="port">The port.</param>
    public static bool IsLoopbackOnly(int pid, int port)
    {
        try
        {
            return pid > 0 && IsLoopbackOnly([.. File.ReadLines($"/proc/{pid}/net/tcp"), .. File.ReadLines($"/proc/{pid}/net/tcp6")], port);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended, or Docker is on another machine: there is nothing to add to what is known.
            return false;
        }
    }

    /// <summary>The same from the text of the kernel's tables.</summary>
    public static bool IsLoopbackOnly(IEnumerable<string> table, int port)
    {
        var addresses = table
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length > 3 && words[3] == Listening)
            .Select(words => words[1].Split(':'))
            .Where(local => int.TryParse(local[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number) && number == port)
            .Select(local => Address(local[0])).ToList();
        return addresses.Count > 0 && addresses.TrueForAll(IPAddress.IsLoopback);
    }

    // Words of 32 bits, each in the machine's own order of bytes; both processors that pods run on have the low byte first.
    private static IPAddress Address(string hex) => new([.. Convert.FromHexString(hex).Chunk(4).SelectMany(word => word.Reverse())]);
}

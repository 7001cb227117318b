using System.Net.Sockets;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>Says why the engine can't be reached and how to mend it. Pure.</summary>
internal static class EngineTrouble
{
    public static string Explain(string socketPath, bool exists, SocketError? error) => (exists, error) switch
    {
        (false, _) =>
            $"Docker Engine can't be reached: there is no socket at {socketPath}. Install it (Debian: apt-get install docker.io), " +
            "start it (systemctl start docker), or name it in the cluster's configuration (docker: {host: unix:///path/to.sock}) when it listens elsewhere.",
        (_, SocketError.AccessDenied) =>
            $"Docker Engine can't be reached: permission denied on {socketPath}. Add this user to the socket's group " +
            "(usermod -aG docker $USER, then log in again) or run as root.",
        (_, SocketError.ConnectionRefused) =>
            $"Docker Engine is not running: nobody listens on {socketPath}. Start it (systemctl start docker) and look into its log " +
            "(journalctl -u docker) if it does not stay up.",
        _ => $"Docker Engine can't be reached at {socketPath}: {error}. Check that it runs (docker version).",
    };
}

namespace Cortex.Runtimes.Docker;

/// <summary>The rights that root has in a user's container. Everybody else in it has none.</summary>
internal static class ContainerRights
{
    /// <summary>What ordinary images need of root's rights, as the kernel names them without <c>CAP_</c>; Docker's own list is longer.</summary>
    /// <remarks>
    /// Not among them, though Docker gives them: NET_RAW (takes over a neighbour's address), MKNOD, SETFCAP, AUDIT_WRITE and SYS_CHROOT.
    /// docs/guide/security.md says what each one is for.
    /// </remarks>
    public static IReadOnlyList<string> Capabilities { get; } =
    [
        "CHOWN",              // an entry point that gives a data folder to the user it will run as
        "DAC_OVERRIDE",       // root that writes into that folder afterwards; package managers
        "FOWNER",             // chmod of what belongs to others, likewise
        "FSETID",             // setgid folders, likewise
        "SETUID", "SETGID",   // gosu, su, workers of nginx and of Postgres: root that becomes another user
        "SETPCAP",            // setpriv, which gives up what is left
        "KILL",               // a supervisor as root that ends workers of another user
        "NET_BIND_SERVICE",   // programs that carry this right in their file would not start without
    ];
}

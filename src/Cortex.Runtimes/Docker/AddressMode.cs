namespace Cortex.Runtimes.Docker;

/// <summary>How this process reaches a pod.</summary>
public enum AddressMode
{
    /// <summary><see cref="Bridge"/> when the bridge's gateway is an address of this machine, else <see cref="Loopback"/>.</summary>
    Auto,

    /// <summary>At the pod's own address on the bridge network.</summary>
    Bridge,

    /// <summary>At a published port of 127.0.0.1, for Docker in a virtual machine.</summary>
    Loopback,
}

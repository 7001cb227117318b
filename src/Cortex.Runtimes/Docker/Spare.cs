namespace Cortex.Runtimes.Docker;

/// <summary>A network container that no pod has taken.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name until it is taken.</param>
/// <param name="Files">What its files were when it was made; null when this process can't read them.</param>
internal sealed record Spare(string Id, string Name, NetworkFiles? Files);

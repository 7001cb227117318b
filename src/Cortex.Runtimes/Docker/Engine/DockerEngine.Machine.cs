using System.Net;
using System.Net.Http.Headers;

namespace Cortex.Runtimes.Docker.Engine;

internal sealed partial class DockerEngine
{
    public async Task<bool> ImageExistsAsync(string image, CancellationToken cancellationToken) =>
        await InspectImageAsync(image, cancellationToken) is not null;

    /// <summary>An image of this machine; null when it is not there.</summary>
    public async Task<InspectedImage?> InspectImageAsync(string image, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync($"/images/{image}/json", EngineJson.Default.InspectedImage, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound)
        {
            return null;
        }
    }

    /// <summary>Pulls an image. Bounded by the caller's token only, as a pull may take long.</summary>
    /// <param name="reference">What to pull.</param>
    /// <param name="registryAuth">Content of <c>X-Registry-Auth</c>; null pulls as nobody.</param>
    /// <param name="progress">Is told bytes had and bytes known of.</param>
    /// <param name="cancellationToken">Ends the pull.</param>
    /// <exception cref="EngineException">The registry's or the engine's words.</exception>
    public async Task PullImageAsync(
        ImageReference reference, string? registryAuth, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var path = $"/images/create?fromImage={Uri.EscapeDataString(reference.Repository)}&tag={Uri.EscapeDataString(reference.TagOrDigest)}";
        using var answer = await SendAsync(HttpMethod.Post, path, null, cancellationToken, registryAuth);
        var layers = new Dictionary<string, ProgressDetail>(StringComparer.Ordinal);
        await foreach (var line in ReadLinesAsync(answer, EngineJson.Default.ProgressLine, cancellationToken))
        {
            if (line.Error is { } words)
            {
                throw new EngineException(HttpStatusCode.OK, words);
            }

            if (line is { Id: { } layer, Detail: { Total: > 0 } detail })
            {
                layers[layer] = detail;
                progress(layers.Values.Sum(l => l.Current), layers.Values.Sum(l => l.Total));
            }
        }
    }

    /// <summary>Imports images in the format of <c>docker save</c>.</summary>
    public async Task LoadImageAsync(byte[] tar, CancellationToken cancellationToken)
    {
        using var body = new ByteArrayContent(tar);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        await BoundedAsync("/images/load", async token =>
        {
            using var answer = await SendAsync(HttpMethod.Post, "/images/load?quiet=1", body, token);
            await foreach (var line in ReadLinesAsync(answer, EngineJson.Default.ProgressLine, token))
            {
                if (line.Error is { } words)
                {
                    throw new EngineException(HttpStatusCode.OK, words);
                }
            }

            return true;
        }, cancellationToken);
    }

    /// <summary>Removes an image unless a container uses it. Whether it was removed.</summary>
    public async Task<bool> RemoveImageAsync(string image, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(HttpMethod.Delete, $"/images/{image}", null, cancellationToken);
            return true;
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            return false;
        }
    }

    /// <summary>The networks of exactly this name: the engine does not keep names unique under races.</summary>
    public async Task<IReadOnlyList<NetworkResource>> FindNetworksAsync(string name, CancellationToken cancellationToken)
    {
        var networks = await GetAsync($"/networks?filters={Filters(("name", name))}", EngineJson.Default.NetworkResourceArray, cancellationToken);
        return [.. networks.Where(n => n.Name == name).OrderBy(n => n.Created).ThenBy(n => n.Id, StringComparer.Ordinal)];
    }

    /// <exception cref="EngineException">409: there is one of this name.</exception>
    public Task<Created> CreateNetworkAsync(CreateNetwork network, CancellationToken cancellationToken) =>
        PostAsync("/networks/create", Json(network, EngineJson.Default.CreateNetwork), EngineJson.Default.Created, cancellationToken);

    public async Task RemoveNetworkAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(HttpMethod.Delete, $"/networks/{id}", null, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound)
        {
            // It is gone, as was wanted.
        }
    }

    /// <summary>Makes a volume, or gives the one of that name as it is.</summary>
    public Task<Volume> CreateVolumeAsync(string name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken) =>
        PostAsync("/volumes/create", Json(new CreateVolume(name, labels), EngineJson.Default.CreateVolume), EngineJson.Default.Volume, cancellationToken);

    public async Task<IReadOnlyList<Volume>> ListVolumesAsync(string label, CancellationToken cancellationToken) =>
        (await GetAsync($"/volumes?filters={Filters(("label", label))}", EngineJson.Default.VolumeList, cancellationToken)).Volumes ?? [];

    public async Task RemoveVolumeAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(HttpMethod.Delete, $"/volumes/{name}", null, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound)
        {
            // It is gone, as was wanted.
        }
    }
}

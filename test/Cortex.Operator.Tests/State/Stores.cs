using Cortex.Operator.State;

namespace Cortex.Operator.Tests.State;

/// <summary>Stores as tests use them.</summary>
internal static class Stores
{
    /// <summary>A store in a file, in an epoch of its own.</summary>
    public static async ValueTask<IApiStore> OpenAsync(string path, int versionsKept = 10)
    {
        var store = new SqliteApiStore(path, versionsKept, cluster: null);
        await store.AdvanceEpochAsync(CancellationToken.None);
        return store;
    }

    /// <summary>Deploys these versions in place of what is there.</summary>
    public static async Task PutAsync(this IApiStore store, params WantedApi[] apis) => Assert.True(await store.DeployAsync(
        [.. apis.Select(api => api with { Revision = store.Apis.GetValueOrDefault(api.Name)?.Revision ?? 0 })], CancellationToken.None));

    /// <summary>Deletes an API that is there.</summary>
    public static async Task DropAsync(this IApiStore store, string name, bool keepHistory = false) =>
        Assert.True(await store.DeleteAsync(store.Find(name), keepHistory, CancellationToken.None));
}

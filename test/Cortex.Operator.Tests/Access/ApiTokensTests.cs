using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Access;
using Cortex.Operator.State;
using Cortex.Operator.Tests.State;

namespace Cortex.Operator.Tests.Access;

public sealed class ApiTokensTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-tokens-").FullName;
    private IApiStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await Stores.OpenAsync(Path.Combine(_directory, "state.db"));

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Find_TokenOfADeployedApi_SaysWhoseItIsAndWhatItOpens()
    {
        var token = await DeployAsync(Spec(ClientAccess.Read));

        Assert.Equal(new Caller("a", ClientAccess.Read), (await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(token));
    }

    [Fact]
    public async Task Find_AfterAnUpdate_OpensWhatTheNewVersionSays()
    {
        var token = await DeployAsync(Spec(ClientAccess.Admin));
        await _store.PutAsync(new WantedApi(Spec(ClientAccess.Read) with { Id = Id(1) }, 1));

        Assert.Equal(ClientAccess.Read, (await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(token)!.Access);
    }

    [Fact]
    public async Task Find_VersionStoredBeforeThereWasSuchAKey_HasTheDefault() =>
        Assert.Equal(ClientAccess.Submit, (await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(await DeployAsync(Spec(access: null)))!.Access);

    [Fact]
    public async Task Find_AfterTheApiWasDeleted_FindsNobody()
    {
        var token = await DeployAsync(Spec(ClientAccess.Admin));
        await _store.DropAsync("a", keepHistory: true);
        Assert.Null((await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(token));

        var again = await DeployAsync(Spec(ClientAccess.Admin) with { InitialDeploymentTime = 2, Id = Id(1) });
        Assert.Null((await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(token));
        Assert.NotNull((await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(again));
    }

    [Fact]
    public async Task Find_TokenOfAnotherCluster_FindsNobody()
    {
        await DeployAsync(Spec(ClientAccess.Admin));
        await using var other = await Stores.OpenAsync(Path.Combine(_directory, "other.db"));

        Assert.Null((await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find((await ApiTokens.OpenAsync(other, CancellationToken.None)).Of(Spec(ClientAccess.Admin))!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("cortex-api.")]
    [InlineData("cortex-api..")]
    [InlineData("cortex-api.a")]
    [InlineData("cortex-api.a.")]
    [InlineData("cortex-api.A.MAC")]
    [InlineData("cortex-api.b.MAC")]
    [InlineData("cortex-api.a.0MAC")]
    [InlineData("cortex-api.a.MAC0")]
    [InlineData("cortex-api.a.x.MAC")]
    [InlineData("a.MAC")]
    [InlineData("MAC")]
    [InlineData("cortex-api.\ud800.MAC")]
    public async Task Find_AnythingElse_FindsNobody(string form)
    {
        var token = await DeployAsync(Spec(ClientAccess.Admin));
        await _store.PutAsync(new WantedApi(Spec(ClientAccess.Admin) with { Name = "b", InitialDeploymentTime = 2 }, 1));

        Assert.Null((await ApiTokens.OpenAsync(_store, CancellationToken.None)).Find(form.Replace("MAC", token[(token.LastIndexOf('.') + 1)..], StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Find_OneDigitIsAnother_FindsNobody()
    {
        var token = await DeployAsync(Spec(ClientAccess.Admin));
        var start = token.LastIndexOf('.') + 1;

        var tokens = await ApiTokens.OpenAsync(_store, CancellationToken.None);

        Assert.Equal(64, token.Length - start);
        Assert.All(Enumerable.Range(start, 64), place =>
            Assert.Null(tokens.Find($"{token[..place]}{(token[place] == '0' ? '1' : '0')}{token[(place + 1)..]}")));
        Assert.Null(tokens.Find(token[..start] + token[start..].ToUpperInvariant()));
    }

    [Fact]
    public async Task Of_NoneOrWithoutContainers_IsNoToken()
    {
        var tokens = (await ApiTokens.OpenAsync(_store, CancellationToken.None));

        Assert.Null(tokens.Of(Spec(ClientAccess.None)));
        Assert.Null(tokens.Of(Spec(access: null) with { Pod = null, Kind = ApiKind.TrafficSplitter }));
    }

    private async Task<string> DeployAsync(DeployedSpec spec)
    {
        await _store.PutAsync(new WantedApi(spec, 1));
        return (await ApiTokens.OpenAsync(_store, CancellationToken.None)).Of(spec)!;
    }

    private static string Id(int time) => $"{time:x16}-deploy-spec";

    private static DeployedSpec Spec(ClientAccess? access) => new()
    {
        Name = "a",
        Kind = ApiKind.RealtimeAPI,
        Id = Id(2),
        SpecId = "spec",
        PodId = "pod",
        DeploymentId = "deploy",
        Networking = new NetworkingSpec("/a"),
        InitialDeploymentTime = 1,
        Pod = new PodSpec { Containers = [new ContainerSpec { Name = "c", Image = "i" }] },
        ClientAccess = access,
        SubmittedApiSpec = System.Text.Json.JsonDocument.Parse("{}").RootElement,
    };
}

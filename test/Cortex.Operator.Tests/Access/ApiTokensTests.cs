using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Access;
using Cortex.Operator.State;

namespace Cortex.Operator.Tests.Access;

public sealed class ApiTokensTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-tokens-").FullName;
    private readonly ApiStore _store;

    public ApiTokensTests() => _store = new ApiStore(Path.Combine(_directory, "state.db"), versionsKept: 10);

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Find_TokenOfADeployedApi_SaysWhoseItIsAndWhatItOpens()
    {
        var token = Deploy(Spec(ClientAccess.Read));

        Assert.Equal(new Caller("a", ClientAccess.Read), new ApiTokens(_store).Find(token));
    }

    [Fact]
    public void Find_AfterAnUpdate_OpensWhatTheNewVersionSays()
    {
        var token = Deploy(Spec(ClientAccess.Admin));
        _store.Deploy(new WantedApi(Spec(ClientAccess.Read) with { Id = Id(1) }, 1));

        Assert.Equal(ClientAccess.Read, new ApiTokens(_store).Find(token)!.Access);
    }

    [Fact]
    public void Find_VersionStoredBeforeThereWasSuchAKey_HasTheDefault() =>
        Assert.Equal(ClientAccess.Submit, new ApiTokens(_store).Find(Deploy(Spec(access: null)))!.Access);

    [Fact]
    public void Find_AfterTheApiWasDeleted_FindsNobody()
    {
        var token = Deploy(Spec(ClientAccess.Admin));
        _store.Delete("a", true);
        Assert.Null(new ApiTokens(_store).Find(token));

        var again = Deploy(Spec(ClientAccess.Admin) with { InitialDeploymentTime = 2, Id = Id(1) });
        Assert.Null(new ApiTokens(_store).Find(token));
        Assert.NotNull(new ApiTokens(_store).Find(again));
    }

    [Fact]
    public void Find_TokenOfAnotherCluster_FindsNobody()
    {
        Deploy(Spec(ClientAccess.Admin));
        using var other = new ApiStore(Path.Combine(_directory, "other.db"), versionsKept: 10);

        Assert.Null(new ApiTokens(_store).Find(new ApiTokens(other).Of(Spec(ClientAccess.Admin))!));
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
    public void Find_AnythingElse_FindsNobody(string form)
    {
        var token = Deploy(Spec(ClientAccess.Admin));
        _store.Deploy(new WantedApi(Spec(ClientAccess.Admin) with { Name = "b", InitialDeploymentTime = 2 }, 1));

        Assert.Null(new ApiTokens(_store).Find(form.Replace("MAC", token[(token.LastIndexOf('.') + 1)..], StringComparison.Ordinal)));
    }

    [Fact]
    public void Find_OneDigitIsAnother_FindsNobody()
    {
        var token = Deploy(Spec(ClientAccess.Admin));
        var start = token.LastIndexOf('.') + 1;

        Assert.Equal(64, token.Length - start);
        Assert.All(Enumerable.Range(start, 64), place =>
            Assert.Null(new ApiTokens(_store).Find($"{token[..place]}{(token[place] == '0' ? '1' : '0')}{token[(place + 1)..]}")));
        Assert.Null(new ApiTokens(_store).Find(token[..start] + token[start..].ToUpperInvariant()));
    }

    [Fact]
    public void Of_NoneOrWithoutContainers_IsNoToken()
    {
        var tokens = new ApiTokens(_store);

        Assert.Null(tokens.Of(Spec(ClientAccess.None)));
        Assert.Null(tokens.Of(Spec(access: null) with { Pod = null, Kind = ApiKind.TrafficSplitter }));
    }

    private string Deploy(DeployedSpec spec)
    {
        _store.Deploy(new WantedApi(spec, 1));
        return new ApiTokens(_store).Of(spec)!;
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

using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Tests.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Tests.Wire;

public sealed class WireJsonTests
{
    [Fact]
    public void Contract_DeployedSpec_HasEveryKeyInOrder()
    {
        var spec = new DeployedSpec
        {
            Name = "a<b", Kind = ApiKind.RealtimeAPI, Networking = new("/a"), Id = "i", SpecId = "s", PodId = "p",
            Autoscaling = new(), SubmittedApiSpec = JsonDocument.Parse("{\"x\":1}").RootElement,
        };

        var json = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);

        Assert.StartsWith("{\"name\":\"a\\u003cb\",\"kind\":\"RealtimeAPI\",\"pod\":null,\"node_groups\":null,\"apis\":null,\"networking\":{\"endpoint\":\"/a\"},", json, StringComparison.Ordinal);
        Assert.DoesNotContain("\"queue\"", json, StringComparison.Ordinal);
        Assert.Contains("\"window\":60000000000", json, StringComparison.Ordinal);
        Assert.EndsWith("\"metadata_root\":\"\"}", json, StringComparison.Ordinal);
        Assert.Equal(spec.Autoscaling, JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!.Autoscaling);
    }

    [Fact]
    public void Contract_DeployedSpecOfAnAsyncApi_HasItsQueue()
    {
        var spec = new DeployedSpec { Name = "a", Kind = ApiKind.AsyncAPI, Networking = new("/a"), Id = "i", SpecId = "s", PodId = "p", Queue = new QueueSpec { MaxAttempts = 3 }, SubmittedApiSpec = JsonDocument.Parse("{}").RootElement };

        var json = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);

        Assert.Contains(
            "\"queue\":{\"max_attempts\":3,\"retry_backoff\":1000000000,\"retry_backoff_max\":300000000000,\"timeout\":604800000000000,\"result_retention\":604800000000000,\"max_payload\":\"10Gi\",\"max_result\":\"10Gi\",\"max_lost_attempts\":5},\"index\"",
            json, StringComparison.Ordinal);
        Assert.Equal(spec.Queue, JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!.Queue);
    }

    [Fact]
    public void Contract_DeployedSpecWithClientAccess_HasItByName()
    {
        var spec = new DeployedSpec { Name = "a", Kind = ApiKind.TaskAPI, Networking = new("/a"), Id = "i", SpecId = "s", PodId = "p", ClientAccess = ClientAccess.Read, SubmittedApiSpec = JsonDocument.Parse("{}").RootElement };

        var json = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);

        Assert.Contains("\"client_access\":\"read\",\"index\"", json, StringComparison.Ordinal);
        Assert.Equal(ClientAccess.Read, JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!.ClientAccess);
        Assert.Null(JsonSerializer.Deserialize(json.Replace("\"client_access\":\"read\",", "", StringComparison.Ordinal), WireJson.Contract.DeployedSpec)!.ClientAccess);
    }

    [Fact]
    public void Contract_ApiResponse_LeavesNullsOut()
    {
        IReadOnlyList<ApiResponse> apis = [new ApiResponse { Status = new ApiStatus { Ready = 1, Requested = 2, UpToDate = 3 } }];

        var json = JsonSerializer.Serialize(apis, WireJson.Contract.IReadOnlyListApiResponse);

        Assert.Equal("[{\"status\":{\"ready\":1,\"requested\":2,\"up_to_date\":3}}]", json);
    }

    [Fact]
    public void Brief_ApiResponse_HasAllButTheSpecification()
    {
        var spec = new DeployedSpec { Name = "a", Kind = ApiKind.RealtimeAPI, Networking = new("/a"), Id = "i", SpecId = "s", PodId = "p", SubmittedApiSpec = JsonDocument.Parse("{}").RootElement };
        var api = new ApiResponse { Spec = spec, Metadata = new ApiMetadata { Name = "a", Kind = ApiKind.RealtimeAPI, Id = "i", LastUpdated = 5 }, Endpoint = "http://x/a" };
        var json = JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([api, api], WireJson.Contract.IReadOnlyListApiResponse);

        var read = JsonSerializer.Deserialize(json, WireJson.Brief.IReadOnlyListApiResponse);

        Assert.Equal([api with { Spec = null }, api with { Spec = null }], read!);
    }

    [Fact]
    public void ToSpec_OfAVersion_GivesWhatItWasMadeFrom()
    {
        foreach (var spec in ApiFileParser.Parse("all.yaml", Samples.Everything).Apis)
        {
            var back = DeployedSpec.From(spec, "id", "spec", "pod", "deployment", 1, 2, "key", "root").ToSpec();

            // Record equality compares every property, also one that is added later and forgotten here.
            Assert.Equal(spec, back);
        }
    }
}

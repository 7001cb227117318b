using System.Text.Json;
using Cortex.Core.Specs;
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

        Assert.StartsWith("{\"name\":\"a\\u003Cb\",\"kind\":\"RealtimeAPI\",\"pod\":null,\"node_groups\":null,\"apis\":null,\"networking\":{\"endpoint\":\"/a\"},", json, StringComparison.Ordinal);
        Assert.Contains("\"window\":60000000000", json, StringComparison.Ordinal);
        Assert.EndsWith("\"metadata_root\":\"\"}", json, StringComparison.Ordinal);
        Assert.Equal(spec.Autoscaling, JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!.Autoscaling);
    }

    [Fact]
    public void Contract_ApiResponse_LeavesNullsOut()
    {
        IReadOnlyList<ApiResponse> apis = [new ApiResponse { Status = new ApiStatus { Ready = 1, Requested = 2, UpToDate = 3 } }];

        var json = JsonSerializer.Serialize(apis, WireJson.Contract.IReadOnlyListApiResponse);

        Assert.Equal("[{\"status\":{\"ready\":1,\"requested\":2,\"up_to_date\":3}}]", json);
    }
}

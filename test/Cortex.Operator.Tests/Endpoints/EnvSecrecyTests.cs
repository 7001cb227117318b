using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Tests.Endpoints;

/// <summary>Values of environment variables are in no answer but those of the operator's that are asked for them.</summary>
public sealed class EnvSecrecyTests
{
    private const string Secret = "s3cr3t";

    private static readonly string Yaml = """
        - name: train
          kind: TaskAPI
          pod:
            containers:
            - {name: c, image: "work:1", command: [run], env: {TOKEN: SECRET}}
        - name: batch
          kind: BatchAPI
          pod:
            containers:
            - {name: c, image: "work:1", command: [run], env: {TOKEN: SECRET}}
        - name: hello
          kind: RealtimeAPI
          pod:
            containers:
            - {name: c, image: "app:1", env: {TOKEN: SECRET}}
        - name: queued
          kind: AsyncAPI
          pod:
            containers:
            - {name: c, image: "app:1", env: {TOKEN: SECRET}}
        """.Replace("SECRET", Secret, StringComparison.Ordinal);

    [Fact]
    public async Task AnyAnswer_OfAnApiWithVariables_HasTheirNamesOnly()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };
        using var deployed = await cluster.PostConfigAsync(Yaml);
        List<string> answers = [await deployed.Content.ReadAsStringAsync()];
        Assert.Equal(HttpStatusCode.OK, deployed.StatusCode);
        var first = (await cluster.GetAsync("/get/train")).Spec!.Id;
        using var updated = await cluster.PostConfigAsync(Yaml.Replace("work:1", "work:2", StringComparison.Ordinal));
        answers.Add(await updated.Content.ReadAsStringAsync());
        var task = await SubmitAsync(anonymous, "/tasks/train", "{}");
        var batch = await SubmitAsync(anonymous, "/batch/batch", """{"workers": 1, "item_list": {"items": [1], "batch_size": 1}}""");

        answers.Add(task.Answer);
        answers.Add(batch.Answer);
        foreach (var path in new[] { "/get", "/get/train", "/get/batch", "/get/hello", "/get/queued", $"/get/train/{first}", "/describe/hello", "/describe/queued", "/info", "/openapi.json", "/metrics", "/logs/hello" })
        {
            answers.Add(await cluster.Client.GetStringAsync(new Uri(path, UriKind.Relative)));
        }

        var jobs = new[] { $"/tasks/train?jobID={task.Id}", $"/batch/batch?jobID={batch.Id}", $"/tasks/train?jobID={task.Id}&showEnv=true" };
        foreach (var path in jobs)
        {
            answers.Add(await anonymous.GetStringAsync(new Uri(path, UriKind.Relative)));
            Assert.Contains("\"TOKEN\":\"(hidden)\"", answers[^1], StringComparison.Ordinal);
        }

        answers.Add(await OverTheGatewayAsync(cluster, "/train", $"?jobID={task.Id}&showEnv=true"));
        using var back = await cluster.Client.PostAsync(new Uri("/rollback/train", UriKind.Relative), null);
        answers.Add(await back.Content.ReadAsStringAsync());

        Assert.All(answers, answer => Assert.DoesNotContain(Secret, answer, StringComparison.Ordinal));
        Assert.Equal("(hidden)", (await cluster.GetAsync("/get/hello")).Spec!.Pod!.Containers[0].Env["TOKEN"]);
    }

    [Fact]
    public async Task Get_ShowEnv_HasTheValuesForWhoHasTheToken()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Yaml);
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };

        var spec = (await cluster.GetAsync("/get/hello?showEnv=true")).Spec!;

        Assert.Equal(Secret, spec.Pod!.Containers[0].Env["TOKEN"]);
        Assert.Contains(Secret, spec.SubmittedApiSpec.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(Secret, (await cluster.GetAsync($"/get/hello/{spec.Id}?showEnv=1")).Spec!.Pod!.Containers[0].Env["TOKEN"]);
        using var refused = await anonymous.GetAsync(new Uri("/get/hello?showEnv=true", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.DoesNotContain(Secret, await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_WhatWasShownWithoutValues_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Yaml);
        var shown = (await cluster.GetAsync("/get/hello")).Spec!.SubmittedApiSpec.GetRawText();

        using var answer = await cluster.PostConfigAsync($"[{shown}]");

        Assert.Contains("stands for a value that was not shown", (await TestCluster.ErrorAsync(answer)).Message, StringComparison.Ordinal);
    }

    private static async Task<(string Id, string Answer)> SubmitAsync(HttpClient client, string path, string body)
    {
        using var response = await client.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        var answer = await response.Content.ReadAsStringAsync();
        using var job = JsonDocument.Parse(answer);
        return (job.RootElement.GetProperty("job_id").GetString()!, answer);
    }

    private static async Task<string> OverTheGatewayAsync(TestCluster cluster, string path, string query)
    {
        var route = Assert.Single(cluster.DataPlane.Routes.Jobs, job => job.Endpoint == path);
        var http = new DefaultHttpContext();
        http.Request.Method = "GET";
        http.Request.QueryString = new QueryString(query);
        using var body = new MemoryStream();
        http.Response.Body = body;
        await cluster.HandlerOf(route).HandleAsync(http, path + query, route.Endpoint.Length, path.Length);
        var text = System.Text.Encoding.UTF8.GetString(body.ToArray());
        Assert.Contains("\"TOKEN\":\"(hidden)\"", text, StringComparison.Ordinal);
        return text;
    }
}

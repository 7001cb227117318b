using System.Collections;
using System.Reflection;
using System.Text;
using Cortex.Routing;

namespace Cortex.DataPlane.Tests.Routing;

public sealed class RouteJsonTests
{
    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var read = RouteJson.Read(RouteJson.Write(RouteSamples.Full));

        Assert.Equal(RouteSamples.Full, read);
        Assert.NotSame(RouteSamples.Full, read);
        Assert.Equal(RouteSamples.Full.GetHashCode(), read.GetHashCode());
        Assert.Equal(RouteSnapshot.Empty, RouteJson.Read(RouteJson.Write(RouteSnapshot.Empty)));
    }

    [Fact]
    public void Samples_LeaveNoPropertyAtItsDefault() => Assert.Empty(Defaults(RouteSamples.Full, "routes"));

    [Fact]
    public void Read_OfANewerAndOfAnOlderProcess_TakesWhatIsThere()
    {
        var routes = RouteJson.Read("""
            {"version": 3, "invented": {"x": [1]}, "async": [], "jobs": [], "splits": [],
             "realtime": [{"name": "a", "endpoint": "/a", "max_concurrency": 1, "max_queue_length": 2, "replicas": [{"id": "r", "host": "h", "port": 1, "zone": "z"}], "also": 1}]}
            """u8);

        var route = Assert.Single(routes.Realtime);
        Assert.Equal(new ReplicaAddress("r", "h", 1), Assert.Single(route.Replicas));
        Assert.False(route.Wakeable);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"version\": 1")]
    [InlineData("[]")]
    [InlineData("{\"version\": \"1\"}")]
    [InlineData("{\"realtime\": [null], \"async\": [], \"jobs\": [], \"splits\": []}")]
    [InlineData("{\"realtime\": null, \"async\": [], \"jobs\": [], \"splits\": []}")]
    [InlineData("{\"realtime\": [{\"name\": \"a\"}], \"async\": [], \"jobs\": [], \"splits\": []}")]
    [InlineData("{\"realtime\": [], \"async\": [], \"jobs\": []}")]
    [InlineData("{\"realtime\": [], \"async\": [], \"splits\": [], \"jobs\": [{\"name\": null, \"kind\": \"TaskAPI\", \"endpoint\": \"/a\"}]}")]
    [InlineData("{\"version\": 1, \"version\": 2, \"realtime\": [], \"async\": [], \"jobs\": [], \"splits\": []}")]
    public void Read_NoRoutes_SaysSo(string text) =>
        Assert.StartsWith("these are no routes: ", Assert.Throws<InvalidDataException>(() => RouteJson.Read(Encoding.UTF8.GetBytes(text))).Message, StringComparison.Ordinal);

    [Fact]
    public void LeadsWhere_AnyDifference_IsSeen()
    {
        var routes = RouteSamples.Full;
        Assert.True(routes.LeadsWhere(RouteJson.Read(RouteJson.Write(routes)) with { Version = 99 }));
        foreach (var other in new[]
        {
            routes with { Jobs = [] },
            routes with { Realtime = [.. routes.Realtime, .. routes.Realtime] },
            routes with { Realtime = [routes.Realtime[0] with { Replicas = [.. routes.Realtime[0].Replicas.Reverse()] }] },
            routes with { Realtime = [routes.Realtime[0] with { Replicas = [routes.Realtime[0].Replicas[0] with { Incarnation = 5 }, routes.Realtime[0].Replicas[1]] }] },
            routes with { Async = [routes.Async[0] with { Policy = routes.Async[0].Policy with { MaxResult = 1 } }] },
            routes with { Splits = [routes.Splits[0] with { Targets = [routes.Splits[0].Targets[0]] }] },
        })
        {
            Assert.False(routes.LeadsWhere(other));
        }
    }

    /// <summary>Properties that have the value that a new object of their kind would have, or are empty.</summary>
    private static IEnumerable<string> Defaults(object value, string path)
    {
        foreach (var property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = $"{path}.{property.Name}";
            var held = property.GetValue(value);
            if (held is null or false or 0 or 0L or "" || (held is IEnumerable and not string && !((IEnumerable)held).Cast<object>().Any()))
            {
                yield return name;
            }
            else if (held is IEnumerable items and not string)
            {
                foreach (var item in Defaults(items.Cast<object>().First(), name))
                {
                    yield return item;
                }
            }
            else if (property.PropertyType.Namespace == typeof(RouteSnapshot).Namespace)
            {
                foreach (var item in Defaults(held, name))
                {
                    yield return item;
                }
            }
        }
    }
}

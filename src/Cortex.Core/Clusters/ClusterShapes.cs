using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Specs;

namespace Cortex.Core.Clusters;

/// <summary>The cluster configuration file: every key with its bounds, default and meaning.</summary>
internal static class ClusterShapes
{
    /// <summary>What keys mean that are only taken for compatibility.</summary>
    public const string NoEffect = "Accepted for compatibility; no effect on one machine.";

    private const string AllowList = "Refused unless it allows everybody, as [0.0.0.0/0] does: nothing here keeps it.";

    private static readonly string[] s_images =
    [
        "operator", "controller_manager", "manager", "kubexit", "proxy", "activator", "autoscaler", "async_gateway",
        "enqueuer", "dequeuer", "cluster_autoscaler", "metrics_server", "nvidia_device_plugin", "neuron_device_plugin",
        "neuron_scheduler", "fluent_bit", "istio_proxy", "istio_pilot", "prometheus", "prometheus_config_reloader",
        "prometheus_operator", "prometheus_statsd_exporter", "prometheus_dcgm_exporter",
        "prometheus_kube_state_metrics", "prometheus_node_exporter", "kube_rbac_proxy", "grafana", "event_exporter",
    ];

    private static readonly string[] s_managed = ["cortex_policy_arn", "account_id", "cluster_uid", "bucket"];

    private static readonly ListShape s_texts = new(Texts.Any);
    private static readonly ChoiceShape s_scheme = new("internet-facing", "internal");

    private static readonly MapShape s_subnet = new(
        Unused("availability_zone", Texts.Any) with { Required = true },
        Unused("subnet_id", Texts.Any) with { Required = true });

    private static readonly MapShape s_spot = new(
        Unused("instance_distribution", s_texts),
        Unused("on_demand_base_capacity", new IntShape { Min = 0 }),
        Unused("on_demand_percentage_above_base_capacity", new IntShape { Min = 0, Max = 100 }),
        Unused("max_price", new FloatShape { Above = 0 }),
        Unused("instance_pools", new IntShape { Min = 1, Max = 20 }));

    /// <summary>The fields of a node group without effect.</summary>
    public static readonly IReadOnlyList<Field> UnusedOfNodeGroup =
    [
        Unused("instance_volume_size", new IntShape { Min = 20, Max = 16384 }, "50"),
        Unused("instance_volume_type", new ChoiceShape("gp2", "gp3", "io1", "sc1", "st1"), "gp3"),
        Unused("instance_volume_iops", new IntShape { Min = 100, Max = 64000 }),
        Unused("instance_volume_throughput", new IntShape { Min = 125, Max = 1000 }),
        Unused("spot", new BoolShape(), "false"),
        Unused("spot_config", s_spot),
    ];

    private static readonly MapShape s_resources = new(
        new Field("cpu", new QuantityShape("20m") { TakesNumbers = true, Example = "4 or 500m" }, "Processors, counted as they are asked for; null for all there are.") { Null = NullRule.Allowed },
        new Field("mem", new QuantityShape("20Mi") { Example = "8Gi" }, "Memory; null for all there is.") { Null = NullRule.Allowed },
        new Field("gpu", new IntShape { Min = 0 }, "Whole GPUs; null for all there are.") { Null = NullRule.Allowed });

    private static readonly MapShape s_nodeGroup = new(
    [
        new Field("name", ClusterTexts.NodeGroupName, "Name, unique in the cluster; APIs select groups by it.") { Required = true },
        new Field("instance_type", Texts.Any, "Type of its machines; only shown.") { Required = true },
        new Field("resources", s_resources, "Share of this machine that its replicas and workers may ask for together; without it the whole machine.") { Null = NullRule.Allowed },
        new Field("min_instances", new IntShape { Min = 0 }, "Fewest machines; here only shown.") { Default = "1" },
        new Field("max_instances", new IntShape { Min = 0 }, "Most machines; here only shown.") { Default = "5" },
        new Field("priority", new IntShape { Min = 1, Max = 100 }, "Of several groups with room the one with the highest is taken.") { Default = "1" },
        .. UnusedOfNodeGroup,
    ])
    {
        Rules = [ClusterRules.InstanceBounds],
    };

    /// <summary>The top-level fields without effect.</summary>
    public static readonly IReadOnlyList<Field> UnusedOfCluster =
    [
        Unused("availability_zones", s_texts),
        Unused("subnet_visibility", new ChoiceShape("public", "private"), "public"),
        Unused("nat_gateway", new ChoiceShape("none", "single", "highly_available"), "none"),
        Unused("api_load_balancer_type", new ChoiceShape("nlb", "elb"), "nlb"),
        Unused("api_load_balancer_scheme", s_scheme, "internet-facing"),
        Unused("operator_load_balancer_scheme", s_scheme, "internet-facing"),
        Unused("subnets", new ListShape(s_subnet)),
        Unused("api_load_balancer_cidr_white_list", s_texts) with { Doc = AllowList },
        Unused("operator_load_balancer_cidr_white_list", s_texts) with { Doc = AllowList },
        Unused("tags", new TextMapShape(ClusterTexts.TagValue), "{}"),
        Unused("ssl_certificate_arn", Texts.Any),
        Unused("iam_policy_arns", s_texts),
        Unused("vpc_cidr", Texts.Any),
        Unused("prometheus_instance_type", Texts.Any, "t3.medium"),
        Unused("telemetry", new BoolShape(), "false") with { Doc = "Accepted for compatibility; nothing is ever sent." },
        .. s_images.Select(image => Unused($"image_{image}", Texts.Image)),
    ];

    /// <summary>The whole file.</summary>
    public static readonly MapShape Cluster = new(
    [
        new Field("cluster_name", ClusterTexts.ClusterName, "Name of the cluster; marks everything that it starts.") { Default = "cortex" },
        new Field("region", Texts.Any, "Name of a place; here only shown.") { Default = "local" },
        new Field("node_groups", new ListShape(s_nodeGroup) { MaxCount = 100 }, "Groups that APIs can select; each is this machine, or the share of it that its resources say.") { Default = "[]", Null = NullRule.Absent },
        .. ClusterTables.Parts.Fields,
        .. UnusedOfCluster,
        .. s_managed.Select(key => new Field(key, new UnusedShape(ErrorKinds.DisallowedField, "is set by the cluster itself; remove it"), "Set by the cluster itself.") { Null = NullRule.Allowed }),
    ])
    {
        Rules = [ClusterRules.UniqueNodeGroups, ClusterRules.TwoPorts, ClusterRules.AllowLists],
    };

    private static Field Unused(string key, Shape shape, string? byDefault = null) => new(key, shape, NoEffect) { Null = NullRule.Allowed, Default = byDefault };
}

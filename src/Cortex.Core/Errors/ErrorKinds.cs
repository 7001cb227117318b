namespace Cortex.Core.Errors;

/// <summary>The error kinds of configuration files, as the contract names them.</summary>
internal static class ErrorKinds
{
    public const string Other = "error";
    public const string ParseQuantity = "k8s.parse_quantity";

    public const string InvalidYaml = "configreader.invalid_yaml";
    public const string InvalidPrimitiveType = "configreader.invalid_primitive_type";
    public const string MustBeDefined = "configreader.must_be_defined";
    public const string CannotBeNull = "configreader.cannot_be_null";
    public const string CannotBeEmpty = "configreader.cannot_be_empty";
    public const string CannotBeEmptyOrNull = "configreader.cannot_be_empty_or_null";
    public const string UnsupportedKey = "configreader.unsupported_key";
    public const string CortexResourceNotAllowed = "configreader.cortex_resource_not_allowed";
    public const string InvalidStr = "configreader.invalid_str";
    public const string DisallowedValue = "configreader.disallowed_value";
    public const string TooLong = "configreader.too_long";
    public const string TooShort = "configreader.too_short";
    public const string CantHavePrefix = "configreader.cant_have_prefix";
    public const string GreaterThan = "configreader.must_be_greater_than";
    public const string GreaterThanOrEqualTo = "configreader.must_be_greater_than_or_equal_to";
    public const string LessThan = "configreader.must_be_less_than";
    public const string LessThanOrEqualTo = "configreader.must_be_less_than_or_equal_to";
    public const string IsNotMultiple = "configreader.is_not_multiple";
    public const string TooFewElements = "configreader.too_few_elements";
    public const string TooManyElements = "configreader.too_many_elements";
    public const string AlphaNumericDashUnderscore = "configreader.alpha_numeric_dash_underscore";
    public const string InvalidDockerImage = "configreader.invalid_docker_image";

    public const string Dns1035 = "urls.dns1035";
    public const string Endpoint = "urls.endpoint";
    public const string EndpointDoubleSlash = "urls.endpoint_double_slash";
    public const string EndpointEmptyPath = "urls.endpoint_empty_path";

    public const string MalformedConfig = "spec.malformed_config";
    public const string NoApis = "spec.no_apis";
    public const string DuplicateName = "spec.duplicate_name";
    public const string DuplicateEndpoint = "spec.duplicate_endpoint";
    public const string DuplicateEndpointInOneDeploy = "spec.duplicate_endpoint_in_one_deploy";
    public const string DuplicateContainerName = "spec.duplicate_container_name";
    public const string SpecifyExactlyOneField = "spec.specify_exactly_one_field";
    public const string MinReplicasGreaterThanMax = "spec.min_replicas_greater_than_max";
    public const string InitReplicasGreaterThanMax = "spec.init_replicas_greater_than_max";
    public const string InitReplicasLessThanMin = "spec.init_replicas_less_than_min";
    public const string TargetInFlightLimitReached = "spec.target_in_flight_limit_reached";
    public const string InvalidSurgeOrUnavailable = "spec.invalid_surge_or_unavailable";
    public const string SurgeAndUnavailableBothZero = "spec.surge_and_unavailable_both_zero";
    public const string RetryBackoffGreaterThanMax = "spec.retry_backoff_greater_than_max";
    public const string InvalidSchedule = "spec.invalid_schedule";
    public const string InvalidTimeZone = "spec.invalid_time_zone";
    public const string ShmCannotExceedMem = "spec.shm_cannot_exceed_mem";

    /// <summary><c>mem_limit</c> is less than <c>mem</c> or <c>shm</c>. Ours.</summary>
    public const string MemLimitTooLow = "spec.mem_limit_too_low";
    public const string FieldMustBeSpecifiedForKind = "spec.field_must_be_specified_for_kind";
    public const string FieldIsNotSupportedForKind = "spec.field_is_not_supported_for_kind";
    public const string CortexPrefixedEnvVarNotAllowed = "spec.cortex_prefixed_env_var_not_allowed";
    public const string ComputeResourceConflict = "spec.compute_resource_conflict";
    public const string IncorrectTrafficSplitterWeight = "spec.incorrect_traffic_splitter_weight";
    public const string TrafficSplitterApisNotUnique = "spec.traffic_splitter_apis_not_unique";
    public const string CanaryTargetUnknown = "spec.canary_target_unknown";
    public const string CanaryStepsNotGrowing = "spec.canary_steps_not_growing";
    public const string OneShadowPerTrafficSplitter = "spec.one_shadow_per_traffic_splitter";

    public const string NoNodeGroups = "resources.no_node_groups";
    public const string InvalidNodeGroupSelector = "resources.invalid_node_group_selector";
    public const string NoAvailableNodeComputeLimit = "resources.no_available_node_compute_limit";
    public const string ApisNotDeployed = "resources.apis_not_deployed";

    public const string DidNotMatchStrictS3Regex = "clusterconfig.did_not_match_strict_s3_regex";
    public const string DisallowedField = "clusterconfig.disallowed_field";
    public const string DuplicateNodegroupName = "clusterconfig.duplicate_nodegroup_name";
    public const string MinInstancesGreaterThanMax = "clusterconfig.min_instances_greater_than_max";
    public const string NodeGroupMaxInstancesIsZero = "clusterconfig.node_group_max_instances_is_zero";
    public const string SamePort = "clusterconfig.same_port";
}

namespace Cortex.Runtimes;

/// <summary>Names of the labels that tie a pod to what it belongs to.</summary>
public static class PodLabels
{
    /// <summary>The API's name.</summary>
    public const string ApiName = "apiName";

    /// <summary>The API's kind.</summary>
    public const string ApiKind = "apiKind";

    /// <summary>The API id (version) that created the pod.</summary>
    public const string ApiId = "apiID";

    /// <summary>Hash of what runs in the pod; a change means new pods.</summary>
    public const string PodId = "podID";

    /// <summary>Changes on creation and refresh; a change means new pods.</summary>
    public const string DeploymentId = "deploymentID";

    /// <summary>The job that a worker belongs to.</summary>
    public const string JobId = "jobID";
}

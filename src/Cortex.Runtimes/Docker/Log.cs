using Microsoft.Extensions.Logging;

namespace Cortex.Runtimes.Docker;

internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "Adopted {Count} pods of cluster {Cluster} from {Engine}")]
    public static partial void Adopted(this ILogger logger, int count, string cluster, string engine);

    [LoggerMessage(1002, LogLevel.Warning, "Docker's event stream broke: {Why}. Pods keep running; it is connected again as soon as Docker answers.")]
    public static partial void EventsBroke(this ILogger logger, string why);

    [LoggerMessage(1003, LogLevel.Information, "Docker's event stream is back")]
    public static partial void EventsBack(this ILogger logger);

    [LoggerMessage(1004, LogLevel.Warning, "Pod {Pod} lost its network container and is built again")]
    public static partial void Rebuilding(this ILogger logger, string pod);

    [LoggerMessage(1005, LogLevel.Information, "Pod {Pod}: {Reason}")]
    public static partial void ContainerEnded(this ILogger logger, string pod, string reason);

    [LoggerMessage(1006, LogLevel.Warning, "Removed container {Name}: it belongs to this cluster, but its pod is gone")]
    public static partial void RemovedLeftover(this ILogger logger, string name);

    [LoggerMessage(1007, LogLevel.Warning, "Pod {Pod}: {What}. Trying again in {Delay}.")]
    public static partial void TryingAgain(this ILogger logger, string pod, string what, TimeSpan delay);

    [LoggerMessage(1008, LogLevel.Error, "Container {Name} carries a pod definition that can't be read: {Why}. It is left alone; delete pod {Pod} to remove it.")]
    public static partial void UnreadableDefinition(this ILogger logger, string name, string pod, string why);

    [LoggerMessage(1009, LogLevel.Error, "Supervision of pod {Pod} failed and begins again")]
    public static partial void SupervisionFailed(this ILogger logger, Exception error, string pod);

    [LoggerMessage(1010, LogLevel.Warning, "Pod {Pod}: the pre_stop hook of {Container} failed: {Why}")]
    public static partial void HookFailed(this ILogger logger, string pod, string container, string why);

    [LoggerMessage(1019, LogLevel.Information, "Job {Pod} is done but for helpers, which did not end within {Grace} (jobs.helper_grace): they are ended")]
    public static partial void HelpersEnd(this ILogger logger, string pod, TimeSpan grace);

    [LoggerMessage(1011, LogLevel.Warning, "No network container can be kept ready: {Why}. Pods start without; trying again in {Delay}.")]
    public static partial void NoSpares(this ILogger logger, string why, TimeSpan delay);

    [LoggerMessage(1012, LogLevel.Warning, "Docker can't start container {Id} again and again: it is set aside as {Name} and made anew")]
    public static partial void SetAside(this ILogger logger, string id, string name);

    [LoggerMessage(1014, LogLevel.Warning, "Pod {Pod} was frozen, but a container of it did not stand still: all of it goes on")]
    public static partial void NotFrozen(this ILogger logger, string pod);

    [LoggerMessage(1015, LogLevel.Warning, "Volume {Name}, which says that a pod is frozen, can't be removed: {Why}. It goes with the pod.")]
    public static partial void MarkStays(this ILogger logger, string name, string why);

    [LoggerMessage(1016, LogLevel.Warning, "Pod {Pod}: a probe's command took too long and can't be ended ({Why}): {Command}. It is tried again and again; a restart of the container ends it.")]
    public static partial void CommandStays(this ILogger logger, string pod, string command, string why);

    [LoggerMessage(1017, LogLevel.Warning, "Docker refuses to make network {Network}: {Why}. Trying again in {Delay}.")]
    public static partial void NetworkRefused(this ILogger logger, string network, string why, TimeSpan delay);

    [LoggerMessage(1018, LogLevel.Warning, "Docker does not tell how large the machine is: {Why}. What was known before holds.")]
    public static partial void NotMeasured(this ILogger logger, string why);

    [LoggerMessage(1021, LogLevel.Warning, "Docker has no init on this machine (docker-init, in most systems' package tini or docker-init): a program that does not handle SIGTERM runs until its grace is over. Install it and restart the server, or set docker.init: false.")]
    public static partial void NoInit(this ILogger logger);

    [LoggerMessage(1022, LogLevel.Warning, "The network {Name} was made with other settings and is in use: {What}. `cortex cluster down` and `cortex cluster up` make it anew.")]
    public static partial void OtherNetwork(this ILogger logger, string name, string what);

    [LoggerMessage(1023, LogLevel.Warning, "Containers of different replicas reach each other: {Why}.")]
    public static partial void NotApart(this ILogger logger, string why);

    [LoggerMessage(1024, LogLevel.Warning, "The network {Name} was made anew but has another gateway than before ({Gateway}): restart the server, so that the names inside the cluster lead to it.")]
    public static partial void OtherGateway(this ILogger logger, string name, string gateway);

    [LoggerMessage(1013, LogLevel.Warning, "Container {Name} can't be removed yet: {Why}. Trying again in {Delay}.")]
    public static partial void NotRemoved(this ILogger logger, string name, string why, TimeSpan delay);
}

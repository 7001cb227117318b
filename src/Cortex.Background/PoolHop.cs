using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Cortex.Background;

/// <summary>Keeps the control plane off the threads that serve the gateway's sockets.</summary>
/// <remarks>
/// <para>
/// In the server the thread that sees a socket become ready also runs what waits for it, for every socket of the process: that is worth a third of
/// the gateway's throughput, and while such a thread does anything else, the clients whose sockets it serves wait. So whatever the control plane and the
/// stores await from Docker, PostgreSQL, S3 and HTTP servers goes on in the thread pool.
/// </para>
/// <para>
/// For an HTTP client set <see cref="SocketsHttpHandler.ConnectCallback"/> to <see cref="ConnectAsync"/>, or wrap the stream of a connection that is made
/// otherwise in a <see cref="PoolStream"/>. Where a library opens its sockets itself, append <see cref="OnPoolAsync{T}(Task{T})"/> to
/// each of its calls: <c>await command.ExecuteReaderAsync(cancellationToken).OnPoolAsync()</c>. A thread of the pool stays where it is, so a hop is
/// paid for only where it is needed.
/// </para>
/// </remarks>
public static class PoolHop
{
    /// <summary>Completes as the task does, on a thread of the pool.</summary>
    public static async Task<T> OnPoolAsync<T>(this Task<T> task)
    {
        try
        {
            return await task;
        }
        finally
        {
            await LeaveSocketThread();
        }
    }

    /// <summary>Completes as the task does, on a thread of the pool.</summary>
    public static async Task OnPoolAsync(this Task task)
    {
        try
        {
            await task;
        }
        finally
        {
            await LeaveSocketThread();
        }
    }

    /// <summary>Completes as the task does, on a thread of the pool.</summary>
    public static ValueTask<T> OnPoolAsync<T>(this ValueTask<T> task) => task.IsCompleted ? task : new ValueTask<T>(task.AsTask().OnPoolAsync());

    /// <summary>Completes as the task does, on a thread of the pool.</summary>
    public static ValueTask OnPoolAsync(this ValueTask task) => task.IsCompleted ? task : new ValueTask(task.AsTask().OnPoolAsync());

    /// <summary>Opens a TCP connection whose users go on in the pool; for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).OnPoolAsync();
            return new PoolStream(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Goes on on a thread of the pool, before something that may block: <c>await PoolHop.LeaveSocketThread();</c>.</summary>
    public static Hop LeaveSocketThread() => default;

    /// <summary>What <see cref="LeaveSocketThread"/> is awaited by.</summary>
    /// <remarks>
    /// Not an async method around <see cref="Task.Yield"/>: when the pool is quick, such a method has ended before its caller looks whether it has, and
    /// the caller then goes on where it was.
    /// </remarks>
    public readonly struct Hop : ICriticalNotifyCompletion
    {
        /// <summary>Whether this thread is one of the pool, so that nothing has to be done.</summary>
        public bool IsCompleted => Thread.CurrentThread.IsThreadPoolThread;

        /// <summary>Itself, as the compiler asks for it.</summary>
        public Hop GetAwaiter() => this;

        /// <summary>Nothing: a hop can't fail.</summary>
        public void GetResult()
        {
        }

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => ThreadPool.QueueUserWorkItem(static next => next(), continuation, preferLocal: false);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => ThreadPool.UnsafeQueueUserWorkItem(static next => next(), continuation, preferLocal: false);
    }
}

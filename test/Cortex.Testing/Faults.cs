using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Testing;

/// <summary>Lets every member of what a loop calls fail a few times before it does its work, once armed, and every line of the log always.</summary>
/// <remarks>
/// The pattern of a loop's test: run it over interfaces from <see cref="On"/>, arm them, and wait for what the loop is there for. So each thing
/// that the loop calls has thrown, be it at the call or where its task is awaited.
/// </remarks>
public sealed class Faults
{
    private readonly ConcurrentDictionary<string, int> _left = new(StringComparer.Ordinal);
    private volatile int _times;

    /// <summary>The members that have thrown, such as <c>IContainerRuntime.List</c>.</summary>
    public IReadOnlyCollection<string> Thrown => [.. _left.Keys];

    /// <summary>From now on each member fails that often.</summary>
    public void Arm(int times) => _times = times;

    /// <summary>The same, but it fails.</summary>
    public T On<T>(T inner)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Proxy>();
        ((Proxy)(object)proxy).Set(inner, this, typeof(T));
        return proxy;
    }

    // Which members of one fail in turn is up to the threads that call; that each of them fails is not.
    private bool Fails(string member) => _times is > 0 and var times && _left.AddOrUpdate(member, times - 1, (_, left) => left - 1) >= 0;

    [SuppressMessage("Performance", "CA1852", Justification = "What is made of it inherits from it.")]
    internal class Proxy : DispatchProxy
    {
        private static readonly MethodInfo _breaking = typeof(Proxy).GetMethod(nameof(BreakingAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

        private object _inner = null!;
        private Faults _faults = null!;
        private Type _type = null!;

        public void Set(object inner, Faults faults, Type type) => (_inner, _faults, _type) = (inner, faults, type);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var name = targetMethod!.Name;
            if (name is nameof(ILoggerFactory.CreateLogger))
            {
                return args![0] is string category && category.StartsWith("Cortex.", StringComparison.Ordinal) ? _faults.On<ILogger>(NullLogger.Instance) : NullLogger.Instance;
            }

            if (_inner is ILogger)
            {
                return name is nameof(ILogger.IsEnabled) ? true
                    : name is nameof(ILogger.Log) && _faults._times > 0 ? throw new IOException("No space left on device: the log")
                    : null;
            }

            if (!targetMethod.IsSpecialName && !name.StartsWith("Dispose", StringComparison.Ordinal) && _faults.Fails($"{_type.Name}.{name}"))
            {
                throw new IOException($"No space left on device: {name}");
            }

            var answer = targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
            return targetMethod.ReturnType is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>)
                ? _breaking.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [answer, name])
                : answer;
        }

        // A watch is begun once, before anything is armed: it breaks at what comes next.
        private async IAsyncEnumerable<T> BreakingAsync<T>(IAsyncEnumerable<T> watch, string name)
        {
            await foreach (var each in watch)
            {
                if (_faults.Fails($"{_type.Name}.{name}"))
                {
                    throw new IOException($"No space left on device: {name}");
                }

                yield return each;
            }
        }
    }
}

using System.Runtime.InteropServices;
using Mono.Cecil;

namespace Cortex.EndToEnd.Tests;

/// <summary>What the trimmer has left of our code and the framework's.</summary>
/// <remarks>
/// It drops code that it takes for unreachable, and errs where a handler stands inside another one and it has found a constant condition
/// (dotnet/runtime issue 131088): a <c>lock</c> in a <c>finally</c> is taken and never released, and whoever takes it next hangs.
/// </remarks>
public sealed class TrimmedCodeTests
{
    [Fact]
    public void Locks_AreReleasedWhereverTheyAreTaken()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("CORTEX_BIN") is { Length: > 0 }, "CORTEX_BIN names an executable that ./build.sh may not have built last");
        var assemblies = Directory.GetFiles(Linked(), "*.dll");
        var (taking, lost) = (0, new List<string>());
        foreach (var path in assemblies)
        {
            using var assembly = AssemblyDefinition.ReadAssembly(path);
            foreach (var method in assembly.MainModule.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
            {
                var calls = method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>().ToList();
                var taken = calls.Count(Takes);
                taking += taken > 0 ? 1 : 0;
                if (taken > calls.Count(Releases))
                {
                    lost.Add(method.FullName);
                }
            }
        }

        Assert.True(taking > 500, $"only {taking} methods of {assemblies.Length} assemblies take a lock");
        Assert.Empty(lost);
    }

    // What a `lock` statement is compiled to: on an object, and on a System.Threading.Lock.
    private static bool Takes(MethodReference method) => method.DeclaringType.FullName switch
    {
        "System.Threading.Monitor" => method is { Name: "Enter", Parameters.Count: 2 },
        "System.Threading.Lock" => method.Name == "EnterScope",
        _ => false,
    };

    private static bool Releases(MethodReference method) => method.DeclaringType.FullName switch
    {
        "System.Threading.Monitor" => method.Name == "Exit",
        "System.Threading.Lock/Scope" => method.Name == "Dispose",
        _ => false,
    };

    // The last trimming of ./build.sh, for this machine.
    private static string Linked()
    {
        var release = Path.Combine(Repository.Root, "src", "Cortex", "obj", "Release");
        Assert.True(Directory.Exists(release), $"{release} is missing; run ./build.sh first (./test.sh does)");
        var processor = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        return Assert.Single(Directory.GetDirectories(release, "linked", SearchOption.AllDirectories), path => path.Contains(processor, StringComparison.Ordinal));
    }
}

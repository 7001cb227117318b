namespace Cortex.Core.Tests.Shapes;

/// <summary>A file of the repository that is generated from the shapes.</summary>
internal static class GeneratedFile
{
    /// <summary>Fails when the file is not what is generated; writes it with UPDATE_SCHEMAS=1.</summary>
    public static void AssertIsTheSame(string path, string generated)
    {
        var file = Path.Combine(Repository.Root, path);
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMAS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, generated);
        }

        Assert.True(
            File.Exists(file) && File.ReadAllText(file) == generated,
            $"{path} differs from what the code generates; run: UPDATE_SCHEMAS=1 dotnet test test/Cortex.Core.Tests --filter \"JsonSchemaTests|ReferenceTests\"");
    }
}

using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Environments;

/// <summary>cli.yaml on disk. Only its owner may read it, since it holds tokens.</summary>
internal sealed class CliConfigStore(string directory)
{
    public string Directory { get; } = directory;

    public string FilePath { get; } = Path.Combine(directory, "cli.yaml");

    /// <summary>The configuration; an empty one when there is no file.</summary>
    public CliConfig Load()
    {
        try
        {
            return CliConfigYaml.Parse(File.ReadAllText(FilePath), FilePath);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return new CliConfig();
        }
        catch (CortexException exception)
        {
            throw new CortexException(exception.Kind, $"{exception.Message}\n\nmend that file, or move it away: `cortex cluster up` and `cortex env configure` write a new one, and no cluster is harmed", exception);
        }
    }

    public void Save(CliConfig config)
    {
        System.IO.Directory.CreateDirectory(Directory);
        PrivateFile.Write(FilePath, CliConfigYaml.Format(config));
    }
}

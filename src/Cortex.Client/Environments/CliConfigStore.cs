using Cortex.Core.Errors;

namespace Cortex.Client.Environments;

/// <summary>cli.yaml on disk. Only its owner may read it, since it holds tokens.</summary>
internal sealed class CliConfigStore(string directory)
{
    public string Directory { get; } = directory;

    public string FilePath { get; } = PathIn(directory);

    /// <summary>Where the file is in a folder.</summary>
    public static string PathIn(string directory) => Path.Combine(directory, "cli.yaml");

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
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CortexException("error", exception.Message, exception);
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

using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Errors that every storage has.</summary>
internal static class SourceErrors
{
    /// <summary>The file is not what it was when reading began.</summary>
    public static CortexException Changed(string path, Exception? inner = null) =>
        new(BatchErrorKinds.SourceChanged, $"{path} was changed while the job read it; submit the job again", inner);

    /// <summary>The file was there when reading began.</summary>
    public static CortexException Gone(string path) =>
        new(BatchErrorKinds.SourceChanged, $"{path} was deleted while the job read it; submit the job again");
}

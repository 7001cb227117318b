using System.Globalization;
using System.Text;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>Settings of a job that come as query parameters, beside a body of newline-delimited JSON.</summary>
internal static class QuerySettings
{
    private static readonly string[] Names = ["workers", "batch_size", "timeout", "config", "max_receive_count", "dryRun"];

    /// <summary>Reads them.</summary>
    /// <exception cref="CortexException">A name is unknown or given twice, or a value is of the wrong type.</exception>
    public static (SubmissionDraft Draft, long BatchSize) Read(IEnumerable<KeyValuePair<string, string>> query)
    {
        var draft = new SubmissionDraft();
        var batchSize = 0L;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in query)
        {
            if (!seen.Add(name))
            {
                throw new CortexException(BatchErrorKinds.Other, $"the query parameter {name} is given twice");
            }

            switch (name)
            {
                case "workers":
                    draft.Workers = Integer(name, value);
                    break;
                case "batch_size":
                    batchSize = Integer(name, value);
                    break;
                case "timeout":
                    draft.Timeout = Integer(name, value);
                    break;
                case "max_receive_count":
                    draft.DeadLetterQueue = new DeadLetterDraft { MaxReceiveCount = Integer(name, value) };
                    break;
                case "config":
                    draft.Config = SubmissionJson.ReadConfig(Encoding.UTF8.GetBytes(value));
                    break;
                case "dryRun":
                    break;
                default:
                    throw new CortexException(BatchErrorKinds.Other, $"unknown query parameter \"{name}\"; beside a body of newline-delimited JSON there are {string.Join(", ", Names)}");
            }
        }

        return (draft, batchSize);
    }

    private static long Integer(string name, string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new CortexException(BatchErrorKinds.Other, $"{name}: must be an integer, not \"{value}\"");
}

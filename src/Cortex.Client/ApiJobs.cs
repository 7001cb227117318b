using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Cortex.Client.Calling;
using Cortex.Client.Jobs;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Client;

/// <summary>The jobs of one Batch or Task API: <see cref="CortexClient.Jobs"/>. Thread-safe.</summary>
public sealed class ApiJobs
{
    /// <summary>Batches of one page of a list.</summary>
    private const int Page = 100;

    /// <summary>Each question waits this long for the end, so that it is seen at once without asking all the time.</summary>
    private static readonly TimeSpan LongPoll = TimeSpan.FromSeconds(30);

    /// <summary>Between questions to an operator that does not wait.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>A server that is being restarted may be away this long.</summary>
    private static readonly TimeSpan Absence = TimeSpan.FromMinutes(2);

    private readonly CortexClient _client;
    private StrongBox<ApiKind?>? _kind;

    internal ApiJobs(CortexClient client, string apiName, ApiKind? kind)
    {
        ArgumentNullException.ThrowIfNull(apiName);
        _client = client;
        ApiName = apiName;
        _kind = kind is null ? null : new(kind);
    }

    /// <summary>The API's name.</summary>
    public string ApiName { get; }

    /// <summary>Submits a job of a Task API.</summary>
    /// <param name="options">What it says; null for nothing.</param>
    /// <param name="cancellationToken">Stops waiting; the job may be accepted all the same.</param>
    public Task<Job> SubmitAsync(JobOptions? options = null, CancellationToken cancellationToken = default) => SubmitAsync((options ?? new JobOptions()).ToJson(), cancellationToken);

    /// <summary>Submits a job whose submission is given as a whole, as those of a Batch API that names files of storage.</summary>
    /// <param name="submission">The submission, such as <c>{"workers": 2, "item_list": {"items": [1, 2], "batch_size": 1}}</c>.</param>
    /// <param name="cancellationToken">Stops waiting; the job may be accepted all the same.</param>
    public async Task<Job> SubmitAsync(JsonObject submission, CancellationToken cancellationToken = default)
    {
        using var content = ContentOf(submission);
        return await SubmitAsync([], content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Submits a job of a Batch API with any number of items, which are sent while they are read and never held in memory together.</summary>
    /// <typeparam name="T">What is written as JSON.</typeparam>
    /// <param name="items">The items. An error that they throw ends the submission, and there is no job.</param>
    /// <param name="type">How to write one, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="options">What the job says beside; null for one worker and batches of one item.</param>
    /// <param name="cancellationToken">Stops sending.</param>
    public async Task<Job> SubmitItemsAsync<T>(IAsyncEnumerable<T> items, JsonTypeInfo<T> type, BatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(type);
        using var content = new JsonLines<T>(items, type);
        return await SubmitAsync((options ?? new BatchOptions()).ToQuery(), content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same of items that are there, or are made at once.</summary>
    /// <inheritdoc cref="SubmitItemsAsync{T}(IAsyncEnumerable{T}, JsonTypeInfo{T}, BatchOptions?, CancellationToken)"/>
    public Task<Job> SubmitItemsAsync<T>(IEnumerable<T> items, JsonTypeInfo<T> type, BatchOptions? options = null, CancellationToken cancellationToken = default) =>
        SubmitItemsAsync(items.ToAsyncEnumerable(), type, options, cancellationToken);

    /// <summary>Has a submission of a Batch API checked without submitting it.</summary>
    /// <param name="submission">The submission.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The names of the files that its source has; none for items.</returns>
    /// <exception cref="CortexException">It has mistakes.</exception>
    public async Task<IReadOnlyList<string>> DryRunAsync(JsonObject submission, CancellationToken cancellationToken = default)
    {
        using var content = ContentOf(submission);
        var lines = (await DryRunAsync([], content, cancellationToken).ConfigureAwait(false)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // The last says that all is well.
        return lines.Length == 0 ? [] : lines[..^1];
    }

    /// <summary>A job as it is now, or at its end.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="wait">The operator answers when the job has ended or this time, at most five minutes, is up; zero at once.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<JobReport> GetAsync(string jobId, TimeSpan wait = default, CancellationToken cancellationToken = default)
    {
        var query = new List<KeyValuePair<string, string>> { new("jobID", jobId) };
        if (wait > TimeSpan.Zero)
        {
            query.Add(new("wait", string.Create(CultureInfo.InvariantCulture, $"{wait.TotalSeconds}s")));
        }

        return new JobReport(await AskAsync(HttpMethod.Get, query, WireJson.Contract.JsonElement, wait + _client.Options.AnswerTimeout, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Waits for the end of a job, over restarts of the cluster that are not longer than two minutes.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="timeout">How long; null or <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="cancellationToken">Stops waiting; the job goes on.</param>
    /// <returns>The job at its end, which may not be a good one; see <see cref="JobReport.EnsureSucceeded"/>.</returns>
    /// <exception cref="CortexException">The time is up (<see cref="ClientErrorKinds.TimedOut"/>).</exception>
    public Task<JobReport> WaitAsync(string jobId, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        FollowAsync(jobId, timeout ?? Timeout.InfiniteTimeSpan, LongPoll, onReport: null, cancellationToken);

    /// <summary>Stops a job.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<MessageResponse> StopAsync(string jobId, CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Delete, [new("apiName", ApiName), new("jobID", jobId)], WireJson.Contract.MessageResponse, null, cancellationToken);

    /// <summary>The batches that a batch job gave up, fetched page by page.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="cancellationToken">Stops.</param>
    public async IAsyncEnumerable<DeadLetter> DeadLettersAsync(string jobId, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? cursor = null;
        do
        {
            var page = await GetDeadLettersAsync(jobId, Page, cursor, cancellationToken).ConfigureAwait(false);
            foreach (var letter in page.Letters)
            {
                yield return letter;
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
    }

    /// <summary>Submits a job of the batches that another one, which has ended, gave up.</summary>
    /// <param name="jobId">The other job.</param>
    /// <param name="workers">Workers of the new one, 1 or more; null for as many as before.</param>
    /// <param name="cancellationToken">Stops waiting; the job may be accepted all the same.</param>
    public async Task<Job> RetryDeadLettersAsync(string jobId, int? workers = null, CancellationToken cancellationToken = default)
    {
        var query = new List<KeyValuePair<string, string>> { new("jobID", jobId), new("retryDeadLetters", "true") };
        if (workers is { } count)
        {
            query.Add(new("workers", count.ToString(CultureInfo.InvariantCulture)));
        }

        return new Job(await AskAsync(HttpMethod.Post, query, WireJson.Contract.JsonElement, null, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The API's kind, of which the operator is asked the first time.</summary>
    internal async ValueTask<ApiKind?> KindAsync(CancellationToken cancellationToken)
    {
        if (_kind is { } known)
        {
            return known.Value;
        }

        var api = await _client.GetAsync(ApiName, cancellationToken: cancellationToken).ConfigureAwait(false);
        var kind = api.Metadata?.Kind ?? api.Spec?.Kind;
        _kind = new(kind);
        return kind;
    }

    /// <summary>Submits a job.</summary>
    /// <param name="query">Parameters beside the body; may be empty.</param>
    /// <param name="body">The submission, or the items of a batch job.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    internal async Task<Job> SubmitAsync(IReadOnlyList<KeyValuePair<string, string>> query, HttpContent body, CancellationToken cancellationToken) =>
        new(await AskAsync(HttpMethod.Post, query, WireJson.Contract.JsonElement, CortexClient.UploadTimeout, cancellationToken, body).ConfigureAwait(false));

    /// <summary>Has a submission checked without submitting it; the answer is text for people.</summary>
    internal async Task<string> DryRunAsync(IReadOnlyList<KeyValuePair<string, string>> query, HttpContent body, CancellationToken cancellationToken)
    {
        var path = await PathAsync([.. query, new("dryRun", "true")], cancellationToken).ConfigureAwait(false);
        using var answer = await _client.SendAsync(HttpMethod.Post, path, body, CortexClient.UploadTimeout, cancellationToken).ConfigureAwait(false);
        var text = await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        return answer.StatusCode == HttpStatusCode.OK ? Encoding.UTF8.GetString(text)
            : answer.Content.Headers.ContentType?.MediaType == "text/plain" ? throw new CortexException(ClientErrorKinds.DryRunFailed, Encoding.UTF8.GetString(text).Trim())
            : throw OperatorErrors.Of(answer.StatusCode, text, _client.Environment);
    }

    /// <summary>One page of the batches that a batch job gave up.</summary>
    internal async Task<DeadLetterPage> GetDeadLettersAsync(string jobId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var query = new List<KeyValuePair<string, string>> { new("jobID", jobId), new("deadLetters", "true"), new("limit", limit.ToString(CultureInfo.InvariantCulture)) };
        if (cursor is not null)
        {
            query.Add(new("cursor", cursor));
        }

        return new DeadLetterPage(await AskAsync(HttpMethod.Get, query, WireJson.Contract.JsonElement, null, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Waits for the end of a job.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="timeout">How long, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="longPoll">How long one question waits at most.</param>
    /// <param name="onReport">Is told of each answer; may be null.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    internal async Task<JobReport> FollowAsync(string jobId, TimeSpan timeout, TimeSpan longPoll, Action<JobReport>? onReport, CancellationToken cancellationToken)
    {
        var time = _client.Options.TimeProvider;
        var (began, seen) = (time.GetTimestamp(), time.GetTimestamp());
        while (true)
        {
            var asked = time.GetTimestamp();
            var left = timeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : timeout - time.GetElapsedTime(began, asked);
            try
            {
                var report = await GetAsync(jobId, left <= TimeSpan.Zero ? TimeSpan.Zero : left < longPoll ? left : longPoll, cancellationToken).ConfigureAwait(false);
                onReport?.Invoke(report);
                if (report.IsFinal)
                {
                    return report;
                }

                if (left <= TimeSpan.Zero)
                {
                    var why = report.Job.Message is { Length: > 0 } message ? $": {message}" : "";
                    throw new CortexException(ClientErrorKinds.TimedOut, $"job {jobId} of {ApiName} is {report.Status} after {timeout.TotalSeconds:0.###} s{why}");
                }

                seen = time.GetTimestamp();
            }
            catch (CortexException exception) when (exception.Kind == ClientErrorKinds.OperatorUnreachable && time.GetElapsedTime(seen) < Absence && left > TimeSpan.Zero)
            {
                // It may be back in a moment.
            }

            var pause = Pause - time.GetElapsedTime(asked);
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause < left ? pause : left, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<T> AskAsync<T>(
        HttpMethod method, IReadOnlyList<KeyValuePair<string, string>> query, JsonTypeInfo<T> type, TimeSpan? timeout, CancellationToken cancellationToken, HttpContent? content = null)
    {
        var path = await PathAsync(query, cancellationToken).ConfigureAwait(false);
        return await _client.AskAsync(method, path, type, cancellationToken, content, timeout).ConfigureAwait(false);
    }

    // An API that has no jobs is asked about as a task, so that the operator says what is wrong.
    private async ValueTask<string> PathAsync(IReadOnlyList<KeyValuePair<string, string>> query, CancellationToken cancellationToken) =>
        $"{(await KindAsync(cancellationToken).ConfigureAwait(false) == ApiKind.BatchAPI ? "batch" : "tasks")}/{CortexClient.Escape(ApiName)}{(query.Count > 0 ? "?" : "")}"
        + string.Join('&', query.Select(parameter => $"{parameter.Key}={CortexClient.Escape(parameter.Value)}"));

    private static ByteArrayContent ContentOf(JsonObject submission)
    {
        ArgumentNullException.ThrowIfNull(submission);
        return new ByteArrayContent(Encoding.UTF8.GetBytes(submission.ToJsonString())) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }
}

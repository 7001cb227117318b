using System.Text;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;

namespace Cortex.Jobs.Tests.Batch.Submissions;

public sealed class BatchSubmissionReaderTests
{
    private const string Items = """ "item_list": {"items": [1], "batch_size": 1} """;
    private const string Files = """ "delimited_files": {"s3_paths": ["s3://b/k"], "batch_size": 1} """;

    [Fact]
    public void Read_EveryField_IsTaken()
    {
        var submission = Read("""
            {"workers": 3, "timeout": 60, "config": {"a": {"b": [1, 2.50]}}, "sqs_dead_letter_queue": {"arn": "x", "max_receive_count": 4},
             "item_list": {"items": [1, {"a": "b"}, null, "x"], "batch_size": 2}, "unknown": [{"deep": {}}]}
            """);

        Assert.Equal(3, submission.Settings.Workers);
        Assert.Equal(60, submission.Settings.Timeout);
        Assert.Equal("""{"a": {"b": [1, 2.50]}}""", submission.Settings.Config!.Value.GetRawText());
        Assert.Equal(new DeadLetterPolicy("x", 4), submission.Settings.DeadLetters);
        Assert.Equal(2, submission.Settings.BatchSize);
        Assert.Equal(["1", """{"a": "b"}""", "null", "\"x\""], submission.Items.Select(item => Encoding.UTF8.GetString(item.Span)));
    }

    [Fact]
    public void Read_NamesInAnyCaseAndNulls_AreTakenByTheContractsRules()
    {
        var submission = Read("""
            {"Workers": 2, "TIMEOUT": null, "config": null, "sqs_dead_letter_queue": null, "item_list": null,
             "File_Path_Lister": {"S3_Paths": ["s3://b", "s3://b/x"], "INCLUDES": ["*"], "excludes": null, "Batch_Size": 7}}
            """);

        Assert.Equal(BatchSource.FilePathLister, submission.Settings.Source);
        Assert.Equal(["s3://b", "s3://b/x"], submission.Settings.Paths);
        Assert.Equal(["*"], submission.Settings.Includes);
        Assert.Empty(submission.Settings.Excludes);
        Assert.Equal((2, 7), (submission.Settings.Workers, submission.Settings.BatchSize));
        Assert.Null(submission.Settings.Timeout);
    }

    [Fact]
    public void Read_PortableNames_AreTaken()
    {
        var submission = Read("""{"workers": 1, "dead_letter_queue": {"max_receive_count": 3}, "delimited_files": {"paths": ["s3://b"], "batch_size": 1}}""");

        Assert.Equal(new DeadLetterPolicy(null, 3), submission.Settings.DeadLetters);
        Assert.Equal(["s3://b"], submission.Settings.Paths);
    }

    [Theory]
    // 3: JSON of the right types
    [InlineData("", "error", "no body")]
    [InlineData(" \n", "error", "no body")]
    [InlineData("{", "error", "not valid JSON")]
    [InlineData("{} {}", "error", "not valid JSON")]
    [InlineData("{}x", "error", "not valid JSON")]
    [InlineData("[]", "error", "the request body: must be an object, not a list")]
    [InlineData("""{"workers": 2.0}""", "error", "workers: must be an integer, not the number 2.0")]
    [InlineData("""{"workers": "2"}""", "error", "workers: must be an integer, not a string")]
    [InlineData("""{"workers": 1e3}""", "error", "workers: must be an integer, not the number 1e3")]
    [InlineData("""{"workers": 99999999999999999999}""", "error", "workers: must be an integer")]
    [InlineData("""{"timeout": true}""", "error", "timeout: must be an integer, not true")]
    [InlineData("""{"config": []}""", "error", "config: must be an object, not a list")]
    [InlineData("""{"config": "x"}""", "error", "config: must be an object, not a string")]
    [InlineData("""{"item_list": 3}""", "error", "item_list: must be an object, not the number 3")]
    [InlineData("""{"item_list": {"items": {}}}""", "error", "item_list: items: must be a list, not an object")]
    [InlineData("""{"delimited_files": {"s3_paths": "s3://b"}}""", "error", "delimited_files: s3_paths: must be a list, not a string")]
    [InlineData("""{"delimited_files": {"s3_paths": ["s3://b", 3]}}""", "error", "delimited_files: s3_paths: index 1: must be a string, not the number 3")]
    [InlineData("""{"sqs_dead_letter_queue": {"arn": 1}}""", "error", "sqs_dead_letter_queue: arn: must be a string, not the number 1")]
    [InlineData("""{"\ud800": 1}""", "error", "not Unicode")]
    // 4: one source
    [InlineData("{}", "job.specify_exactly_one_key", "item_list, file_path_lister, delimited_files")]
    [InlineData("null", "job.specify_exactly_one_key", "give one of")]
    [InlineData("""{"workers": 0, "item_list": null}""", "job.specify_exactly_one_key", "give one of")]
    [InlineData("{" + Items + "," + Files + "}", "job.conflicting_fields", "item_list, delimited_files")]
    // 5: items
    [InlineData("""{"item_list": {}}""", "configreader.too_few_elements", "item_list: items")]
    [InlineData("""{"item_list": {"items": [], "batch_size": 0}, "workers": 0}""", "configreader.too_few_elements", "item_list: items")]
    // 7 to 9: at least one
    [InlineData("""{"item_list": {"items": [1]}, "workers": 0}""", "configreader.must_be_greater_than_or_equal_to", "item_list: batch_size: must be 1 or more, not 0")]
    [InlineData("{" + Items + "}", "configreader.must_be_greater_than_or_equal_to", "workers: must be 1 or more, not 0")]
    [InlineData("{" + Items + ",\"workers\": -1, \"timeout\": 0}", "configreader.must_be_greater_than_or_equal_to", "workers: must be 1 or more, not -1")]
    [InlineData("{" + Items + ",\"workers\": 1, \"timeout\": 0}", "configreader.must_be_greater_than_or_equal_to", "timeout: must be 1 or more, not 0")]
    [InlineData("{" + Items + ",\"workers\": 10001}", "configreader.must_be_less_than_or_equal_to", "workers: must be at most 10000, not 10001")]
    // 10 and 11: dead letters
    [InlineData("{" + Items + ",\"workers\": 1, \"sqs_dead_letter_queue\": {}}", "configreader.cannot_be_empty", "sqs_dead_letter_queue: arn")]
    [InlineData("{" + Items + ",\"workers\": 1, \"sqs_dead_letter_queue\": {\"arn\": \"a\"}}", "configreader.must_be_greater_than_or_equal_to", "sqs_dead_letter_queue: max_receive_count: must be 1 or more, not 0")]
    [InlineData("{" + Items + ",\"workers\": 1, \"dead_letter_queue\": {}}", "configreader.must_be_greater_than_or_equal_to", "dead_letter_queue: max_receive_count")]
    [InlineData("{" + Items + ",\"workers\": 1, \"dead_letter_queue\": {}, \"sqs_dead_letter_queue\": {}}", "job.conflicting_fields", "use one of them")]
    // 12 to 14: paths and patterns
    [InlineData("""{"workers": 1, "delimited_files": {"batch_size": 1}}""", "configreader.too_few_elements", "delimited_files: s3_paths")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": [], "batch_size": 1, "includes": ["["]}}""", "configreader.too_few_elements", "file_path_lister: s3_paths")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["s3://b"], "paths": ["s3://b"], "batch_size": 1}}""", "job.conflicting_fields", "s3_paths and paths")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["x"], "batch_size": 1, "includes": ["*", "[a"]}}""", "error", "includes: index 1: \"[a\" is no pattern")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["x"], "batch_size": 1, "excludes": ["{a"]}}""", "error", "excludes: index 0: \"{a\" is no pattern")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["s3://b/x", "b/x"], "batch_size": 1}}""", "aws.invalid_s3_path", "\"b/x\"")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["s3://"], "batch_size": 1}}""", "aws.invalid_s3_path", "names no bucket")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["s3:///key"], "batch_size": 1}}""", "aws.invalid_s3_path", "names no bucket")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": [null], "batch_size": 1}}""", "aws.invalid_s3_path", "\"\"")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["file:///etc/passwd"], "batch_size": 1}}""", "batchapi.path_not_allowed", "none are allowed")]
    [InlineData("""{"workers": 1, "file_path_lister": {"s3_paths": ["http://h/x"], "batch_size": 1}}""", "batchapi.path_not_allowed", "none are allowed")]
    public void Read_WrongSubmission_IsRefusedByTheFirstRuleItBreaks(string body, string kind, string message)
    {
        var error = Assert.Throws<CortexException>(() => Read(body));

        Assert.Equal(kind, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ItemSize_IsThatOfItsTextAsSent()
    {
        string Body(int length) => $$"""{"workers": 1, "item_list": {"items": [1, "{{new string('x', length - 2)}}"], "batch_size": 1} }""";

        Assert.Equal(256_000, Read(Body(256_000)).Items[1].Length);
        var error = Assert.Throws<CortexException>(() => Read(Body(256_001)));
        Assert.Equal("batchapi.item_size_exceeds_limit", error.Kind);
        Assert.Contains("index 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_BodyAtTheLimit_IsReadAndOverItRefused()
    {
        using var storages = new SourceStorages(new SourceOptions { S3 = new() { AccessKey = "a", SecretKey = "b" } }, TimeProvider.System);
        var body = Encoding.UTF8.GetBytes("{\"workers\": 1, " + Items + "}");
        var atLimit = new BatchSubmissionReader(new BatchLimits { MaxBodyBytes = body.Length }, storages);
        var overLimit = new BatchSubmissionReader(new BatchLimits { MaxBodyBytes = body.Length - 1 }, storages);

        Assert.Single((await atLimit.ReadAsync(new MemoryStream(body), CancellationToken.None)).Items);
        var error = await Assert.ThrowsAsync<CortexException>(() => overLimit.ReadAsync(new MemoryStream(body), CancellationToken.None));
        Assert.Equal("error", error.Kind);
        Assert.Contains("too large", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadQuery_Settings_AreTakenLikeTheBodys()
    {
        var settings = Query(("workers", "2"), ("batch_size", "10"), ("timeout", "5"), ("config", """{"a": 1}"""), ("max_receive_count", "3"));

        Assert.Equal((2, 10, 5L), (settings.Workers, settings.BatchSize, settings.Timeout));
        Assert.Equal("""{"a": 1}""", settings.Config!.Value.GetRawText());
        Assert.Equal(new DeadLetterPolicy(null, 3), settings.DeadLetters);
    }

    [Theory]
    [InlineData("workers=1&batch_size=0", "configreader.must_be_greater_than_or_equal_to", "batch_size")]
    [InlineData("batch_size=1", "configreader.must_be_greater_than_or_equal_to", "workers")]
    [InlineData("workers=1&batch_size=1&timeout=0", "configreader.must_be_greater_than_or_equal_to", "timeout")]
    [InlineData("workers=1.0&batch_size=1", "error", "workers: must be an integer, not \"1.0\"")]
    [InlineData("workers=1&batch_size=1&config=[]", "error", "config: must be an object")]
    [InlineData("workers=1&batch_size=1&config={}x", "error", "config is not valid JSON")]
    [InlineData("workers=1&batchsize=1", "error", "unknown query parameter \"batchsize\"")]
    [InlineData("workers=1&workers=2", "error", "given twice")]
    public void ReadQuery_Wrong_IsRefused(string query, string kind, string message)
    {
        var error = Assert.Throws<CortexException>(() => Query([.. query.Split('&').Select(pair => pair.Split('=')).Select(pair => (pair[0], pair[1]))]));

        Assert.Equal(kind, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/x-ndjson", true)]
    [InlineData("application/x-ndjson; charset=utf-8", true)]
    [InlineData("application/jsonlines", true)]
    [InlineData("Application/JSONL", true)]
    [InlineData("application/json", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void IsStreamed_ContentType_IsToldApart(string? contentType, bool streamed) => Assert.Equal(streamed, BatchSubmissionReader.IsStreamed(contentType));

    private static BatchSubmission Read(string body)
    {
        using var storages = new SourceStorages(new SourceOptions { S3 = new() { AccessKey = "a", SecretKey = "b" } }, TimeProvider.System);
        return new BatchSubmissionReader(new BatchLimits(), storages).Read(Encoding.UTF8.GetBytes(body));
    }

    private static BatchSettings Query(params (string Name, string Value)[] query)
    {
        using var storages = new SourceStorages(new SourceOptions { S3 = new() { AccessKey = "a", SecretKey = "b" } }, TimeProvider.System);
        return new BatchSubmissionReader(new BatchLimits(), storages).ReadQuery(query.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
    }
}

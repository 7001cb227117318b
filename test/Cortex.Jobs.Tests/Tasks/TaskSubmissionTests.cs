using System.Text;
using Cortex.Core.Errors;
using Cortex.Jobs.Tasks;

namespace Cortex.Jobs.Tests.Tasks;

public sealed class TaskSubmissionTests
{
    [Fact]
    public void Parse_EmptyObject_HasNoTimeoutAndNoConfig()
    {
        var submission = Parse("{}");

        Assert.Null(submission.Timeout);
        Assert.Null(submission.Priority);
        Assert.Equal("null", Encoding.UTF8.GetString(submission.Config.Span));
    }

    [Fact]
    public void Parse_Everything_IsTaken()
    {
        var submission = Parse("""{"timeout": 60, "workers": 1, "priority": 9, "unknown": [], "config": {"a": {"b": [1, {"c": 1.0}]}}}""");

        Assert.Equal((60, 9), (submission.Timeout!.Value, submission.Priority!.Value));
        Assert.Equal("""{"a":{"b":[1,{"c":1.0}]}}""", Encoding.UTF8.GetString(submission.Config.Span));
    }

    [Fact]
    public void Parse_NamesInAnyCase_TheExactOneWins()
    {
        Assert.Equal(5, Parse("""{"TimeOut": 5}""").Timeout);
        Assert.Equal(6, Parse("""{"TIMEOUT": 5, "timeout": 6}""").Timeout);
        Assert.Null(Parse("""{"timeout": null, "workers": null, "config": null}""").Timeout);
    }

    [Theory]
    [InlineData("", "error")]
    [InlineData("not json", "error")]
    [InlineData("{} {}", "error")]
    [InlineData("[]", "error")]
    [InlineData("""{"timeout": "60"}""", "error")]
    [InlineData("""{"timeout": 2.0}""", "error")]
    [InlineData("""{"timeout": 99999999999999999999}""", "error")]
    [InlineData("""{"timeout": 0}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("""{"timeout": -1}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("""{"workers": 2}""", "configreader.invalid_int")]
    [InlineData("""{"workers": 0}""", "configreader.invalid_int")]
    [InlineData("""{"priority": 10}""", "configreader.disallowed_value")]
    [InlineData("""{"config": []}""", "error")]
    [InlineData("""{"config": "x"}""", "error")]
    [InlineData("""{"config": {"a": "\ud800"}}""", "error")]
    public void Parse_Wrong_SaysWhat(string body, string kind)
    {
        var exception = Assert.Throws<CortexException>(() => Parse(body));

        Assert.Equal(kind, exception.Kind);
        Assert.NotEmpty(exception.Message);
    }

    [Fact]
    public void Parse_NestedTooDeep_IsRefused()
    {
        Assert.NotNull(Parse($"{{\"config\": {{\"a\": {new string('[', 40)}{new string(']', 40)}}}}}"));
        Assert.Equal("error", Assert.Throws<CortexException>(() => Parse($"{{\"config\": {{\"a\": {new string('[', 60)}{new string(']', 60)}}}}}")).Kind);
    }

    private static TaskSubmission Parse(string body) => TaskSubmission.Parse(Encoding.UTF8.GetBytes(body));
}

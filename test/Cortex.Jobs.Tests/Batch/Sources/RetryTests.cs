using Amazon.Runtime;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Tests.Batch.Sources;

public sealed class RetryTests
{
    [Theory]
    [InlineData("Failed to resolve AWS credentials. The credential providers used to search for credentials returned the following errors:\n\nException 1 of 6: ...", "there are no credentials for S3; name them in jobs.sources.s3 of the cluster's configuration")]
    [InlineData("Unable to get IAM security credentials from EC2 Instance Metadata Service.", "there are no credentials for S3; name them in jobs.sources.s3 of the cluster's configuration")]
    [InlineData("The service did this:\r\nand that", "The service did this")]
    [InlineData("short", "short")]
    public async Task PauseAsync_LastTry_SaysWhyOnOneLine(string said, string expected)
    {
        var retry = new Retry(new SourceOptions { Attempts = 1 }, TimeProvider.System);

        var error = await Assert.ThrowsAsync<CortexException>(() => retry.PauseAsync("read s3://bucket/key", 1, new AmazonClientException(said), CancellationToken.None));

        Assert.Equal($"can't read s3://bucket/key, after 1 tries: {expected}", error.Message);
    }
}

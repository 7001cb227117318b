namespace Cortex.Jobs.Batch;

/// <summary>The error kinds of batch jobs, as the HTTP contract names them; the last four are ours.</summary>
internal static class BatchErrorKinds
{
    public const string Other = "error";
    public const string SpecifyExactlyOneKey = "job.specify_exactly_one_key";
    public const string ConflictingFields = "job.conflicting_fields";
    public const string TooFewElements = "configreader.too_few_elements";
    public const string TooManyElements = "configreader.too_many_elements";
    public const string CannotBeEmpty = "configreader.cannot_be_empty";
    public const string GreaterThanOrEqualTo = "configreader.must_be_greater_than_or_equal_to";
    public const string LessThanOrEqualTo = "configreader.must_be_less_than_or_equal_to";
    public const string ItemSize = "batchapi.item_size_exceeds_limit";
    public const string MessageSize = "batchapi.message_exceeds_max_size";
    public const string NoFilesFound = "batchapi.no_s3_files_found";
    public const string InvalidPath = "aws.invalid_s3_path";
    public const string BucketNotFound = "aws.bucket_not_found";
    public const string PathNotAllowed = "batchapi.path_not_allowed";
    public const string TooManyItems = "batchapi.too_many_items";
    public const string SourceSize = "batchapi.source_size_exceeds_limit";
    public const string SourceChanged = "batchapi.source_changed";
}

using System.Text.Json;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Tests.Specs;

public sealed class ScheduleParsingTests
{
    private const string Task = "- name: a\n  kind: TaskAPI\n  pod: {containers: [{name: c, image: i, command: [x]}]}\n";
    private const string Batch = "- name: a\n  kind: BatchAPI\n  pod: {containers: [{name: c, image: i, command: [x]}]}\n";

    [Fact]
    public void Parse_ShortForm_HasTheDefaults()
    {
        var schedule = Read(Task + "  schedule: 0 3 * * *\n").Schedule!;

        Assert.Equal(("0 3 * * *", "UTC", ScheduleConcurrency.Allow, MissedRuns.RunOnce, "{}"), (schedule.Cron, schedule.TimeZone, schedule.Concurrency, schedule.MissedRuns, schedule.Job.GetRawText()));
    }

    [Fact]
    public void Parse_Everything_IsTaken()
    {
        var schedule = Read(Task + """
              schedule:
                cron: "@daily"
                time_zone: Etc/UTC
                concurrency: replace
                missed_runs: skip
                job: {timeout: 60, priority: 3, config: {rate: 0.1, nested: {list: [1, null, x]}}}

            """).Schedule!;

        Assert.Equal(("@daily", "Etc/UTC", ScheduleConcurrency.Replace, MissedRuns.Skip), (schedule.Cron, schedule.TimeZone, schedule.Concurrency, schedule.MissedRuns));
        Assert.Equal("""{"timeout":60,"priority":3,"config":{"rate":0.1,"nested":{"list":[1,null,"x"]}}}""", schedule.Job.GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("  schedule: null\n")]
    public void Parse_None_IsNull(string text) => Assert.Null(Read(Task + text).Schedule);

    [Theory]
    [InlineData("{workers: 2, item_list: {items: [1, a, {b: null}], batch_size: 2}}")]
    [InlineData("{workers: 2, file_path_lister: {s3_paths: [s3://b/a], includes: ['**.csv'], batch_size: 2}, timeout: null}")]
    [InlineData("{workers: 2, delimited_files: {paths: [file:///data], excludes: [], batch_size: 2}, dead_letter_queue: {max_receive_count: 3}, timeout: 5, config: {a: 1}}")]
    [InlineData("{workers: 2, item_list: {items: [1], batch_size: 2}, file_path_lister: null, sqs_dead_letter_queue: {arn: x, max_receive_count: 3}}")]
    public void Parse_Batch_TakesTheWholeSubmission(string job)
    {
        var schedule = Read($"{Batch}  schedule: {{cron: '@hourly', job: {job}}}\n").Schedule!;

        Assert.Equal(2, schedule.Job.GetProperty("workers").GetInt32());
    }

    [Theory]
    [InlineData("  schedule: 0 25 * * *", "spec.invalid_schedule", "4:3", "schedule.cron", "\"25\" in the hour must be a number from 0 to 23")]
    [InlineData("  schedule: {cron: '@dayly'}", "spec.invalid_schedule", "4:14", "schedule.cron", "did you mean @daily?")]
    [InlineData("  schedule: @daily", "configreader.cortex_resource_not_allowed", "4:3", "schedule.cron", "put the value in quotes")]
    [InlineData("  schedule: 5", "configreader.invalid_primitive_type", "4:3", "schedule.cron", "must be a string")]
    [InlineData("  schedule: []", "configreader.invalid_primitive_type", "4:3", "schedule", "must be a map")]
    [InlineData("  schedule: {}", "configreader.must_be_defined", "4:3", "schedule.cron", "must be defined")]
    [InlineData("  schedule: {cron: '@daily', timezone: UTC}", "configreader.unsupported_key", "4:30", "schedule.timezone", "did you mean `time_zone`?")]
    [InlineData("  schedule: {cron: '@daily', time_zone: Europe/Berln}", "spec.invalid_time_zone", "4:30", "schedule.time_zone", "is no time zone that this machine knows")]
    [InlineData("  schedule: {cron: '@daily', time_zone: Europe}", "spec.invalid_time_zone", "4:30", "schedule.time_zone", "is no time zone that this machine knows")]
    [InlineData("  schedule: {cron: '@daily', time_zone: ../../etc/passwd}", "spec.invalid_time_zone", "4:30", "schedule.time_zone", "is no time zone that this machine knows")]
    [InlineData("  schedule: {cron: '@daily', concurrency: forbit}", "configreader.invalid_str", "4:30", "schedule.concurrency", "did you mean `forbid`?")]
    [InlineData("  schedule: {cron: '@daily', missed_runs: all}", "configreader.invalid_str", "4:30", "schedule.missed_runs", "must be run_once or skip")]
    [InlineData("  schedule: {cron: '@daily', job: {timeout: 0}}", "configreader.must_be_greater_than_or_equal_to", "4:36", "schedule.job.timeout", "0 must be")]
    [InlineData("  schedule: {cron: '@daily', job: {config: [1]}}", "configreader.invalid_primitive_type", "4:36", "schedule.job.config", "must be a map")]
    [InlineData("  schedule: {cron: '@daily', job: {confg: {}}}", "configreader.unsupported_key", "4:36", "schedule.job.confg", "did you mean `config`?")]
    [InlineData("  schedule: {cron: '@daily', job: {priority: 10}}", "configreader.must_be_less_than_or_equal_to", "4:36", "schedule.job.priority", "10 must be")]
    public void Parse_Task_Wrong_SaysWhereAndWhat(string text, string kind, string place, string path, string detail) => AssertError(Task + text, kind, place, path, detail);

    [Theory]
    [InlineData("  schedule: 0 3 * * *", "configreader.must_be_defined", "4:3", "schedule.job", "must be defined")]
    [InlineData("  schedule: {cron: '@daily', job: {workers: 1}}", "spec.specify_exactly_one_field", "4:30", "schedule.job", "must have `item_list`, `file_path_lister` or `delimited_files`")]
    [InlineData("  schedule: {cron: '@daily', job: {item_list: {items: [1], batch_size: 1}}}", "configreader.must_be_defined", "4:30", "schedule.job.workers", "must be defined")]
    [InlineData("  schedule: {cron: '@daily', job: {workers: 1, item_list: {items: [], batch_size: 1}}}", "configreader.too_few_elements", "4:60", "schedule.job.item_list.items", "at least 1")]
    [InlineData("  schedule: {cron: '@daily', job: {workers: 1, delimited_files: {batch_size: 1}}}", "spec.specify_exactly_one_field", "4:48", "schedule.job.delimited_files", "must have `s3_paths` or `paths`")]
    [InlineData("  schedule: {cron: '@daily', job: {workers: 1, item_list: {items: [1], batch_size: 1}, dead_letter_queue: {max_receive_count: 1}, sqs_dead_letter_queue: {arn: a, max_receive_count: 1}}}", "spec.specify_exactly_one_field", "4:88", "schedule.job.dead_letter_queue", "mean the same")]
    public void Parse_Batch_Wrong_SaysWhereAndWhat(string text, string kind, string place, string path, string detail) => AssertError(Batch + text, kind, place, path, detail);

    [Fact]
    public void Parse_SeveralErrors_AllAreThere()
    {
        var errors = ApiFileParser.Parse("f.yaml", Task + "  schedule:\n    cron: '* *'\n    time_zone: Nowhere\n    concurrency: no\n    job: {timeout: x}\n").Errors;

        Assert.Equal(["schedule.cron", "schedule.time_zone", "schedule.concurrency", "schedule.job.timeout"], errors.Select(error => error.Path));
    }

    [Fact]
    public void Parse_DeepConfig_IsRefusedHereAndNotAtItsFirstRun()
    {
        var deep = string.Concat(Enumerable.Repeat("{a: ", 41)) + "1" + new string('}', 41);

        Assert.Contains("at most 40", Assert.Single(ApiFileParser.Parse("f.yaml", $"{Task}  schedule: {{cron: '@daily', job: {{config: {deep}}}}}\n").Errors).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_RealtimeApi_HasNone() =>
        Assert.Contains("belongs only to BatchAPI and TaskAPI", Assert.Single(ApiFileParser.Parse("f.yaml", "- name: a\n  kind: RealtimeAPI\n  pod: {containers: [{name: c, image: i}]}\n  schedule: '@daily'\n").Errors).Detail, StringComparison.Ordinal);

    [Fact]
    public void SpecId_ChangesWithTheScheduleAndOnlyWithIt()
    {
        var ids = new[] { "", "  schedule: '@daily'\n", "  schedule: '@hourly'\n", "  schedule: {cron: '@daily', job: {timeout: 5}}\n" }.Select(text => Read(Task + text)).ToList();

        Assert.Equal(4, ids.Select(SpecHash.SpecId).Distinct().Count());
        Assert.Single(ids.Select(SpecHash.PodId).Distinct());
        Assert.Equal(SpecHash.SpecId(ids[1]), SpecHash.SpecId(Read(Task + "  schedule: {cron: '@daily', time_zone: UTC}\n")));
    }

    [Fact]
    public void Wire_IsReadBack()
    {
        var spec = DeployedSpec.From(Read(Task + "  schedule: {cron: '@daily', concurrency: forbid, missed_runs: skip, job: {timeout: 5}}\n"), "id", "spec", "pod", "", 1, 2, "key", "root");

        var json = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);
        var read = JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!.Schedule!;

        Assert.Contains("""
            "schedule":{"cron":"@daily","time_zone":"UTC","concurrency":"forbid","missed_runs":"skip","job":{"timeout":5}}
            """.Trim(), json, StringComparison.Ordinal);
        Assert.Equal((ScheduleConcurrency.Forbid, MissedRuns.Skip, """{"timeout":5}"""), (read.Concurrency, read.MissedRuns, read.Job.GetRawText()));
    }

    private static ApiSpec Read(string yaml)
    {
        var file = ApiFileParser.Parse("f.yaml", yaml);
        Assert.Empty(file.Errors);
        return Assert.Single(file.Apis);
    }

    private static void AssertError(string yaml, string kind, string place, string path, string detail)
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", yaml + "\n").Errors);
        Assert.Equal((kind, place, path), (error.Kind, $"{error.Line}:{error.Column}", error.Path));
        Assert.Contains(detail, error.Detail, StringComparison.Ordinal);
    }
}

namespace Cortex.EndToEnd.Tests.Guide;

/// <summary>Every page of the guide that has commands.</summary>
internal static class GuideWalks
{
    private const string InstallTests = "scripts/install-tests.sh installs and removes it on a Debian made for that";

    // A job of score, one of whose batches fails.
    private const string FailedJob = """
        image my-scorer:1
        batch score
        echo '{"id": 7}' >bad.ndjson
        job=$(cortex job submit score -f bad.ndjson --batch-size 1 | sed -nE 's/^submitted job ([0-9a-f]+) .*/\1/p')
        curl "http://127.0.0.1:8889/score?jobID=$job&wait=1m"
        [ -n "$(cortex job dead-letters score $job -o json | grep 500)" ]
        """;

    private static readonly (string, string) _theirs = ("https://cortex.example.com --token 0123456789abcdef", "http://127.0.0.1:8888 --token $(token)");
    private static readonly (string, string) _job = ("6715ccc7077c27ff", "$job");
    private static readonly (string, string) _retry = ("--wait", "--wait || [ $? = 1 ]   # the batch fails again");

    public static IReadOnlyList<GuideWalk> All { get; } =
    [
        new("async-apis.md") { Before = "image cortex-walk:1\napi iris AsyncAPI cortex-walk:1" },
        new("backup-and-restore.md") { Before = "image cortex-walk:1\napi kept", Edits = [("mkdir -p", "cortex cluster down -y\nmkdir -p"), ("cortex cluster health", "cortex cluster health\ncortex describe kept")] },
        new("batch-jobs.md")
        {
            Before = "image my-scorer:1\nblocks\nseq 300 | sed 's/.*/{\"id\": 1&00}/' >items.ndjson",
            Edits = [("cortex job dead-letters", FailedJob + "\ncortex job dead-letters"), _job, ("retry score $job --wait", "retry score $job --wait || [ $? = 1 ]")],
        },
        new("bring-your-own-model.md")
        {
            Before = "blocks\nsed -n '/^```dockerfile/,/^```/p;' \"$PAGE\" | sed '/^```/d;/^FROM ghcr/,$d' >Dockerfile",
            NotRun = [("docker build -t my-llm:1", "it needs an image of a registry and a model of gigabytes")],
        },
        new("cli.md")
        {
            Before = "image cortex-walk:1\napi texts AsyncAPI cortex-walk:1\napi tables AsyncAPI cortex-walk:1\necho '{}' >request.json\necho a,b | gzip >big.csv.gz\nid=$(cortex async submit texts request.json)",
            Edits = [("https://cortex.example.com CORTEX_TOKEN=...", "http://127.0.0.1:8888 CORTEX_TOKEN=$(token)"), ("get texts ID", "get texts $id --wait")],
        },
        new("clusters/auth.md") { Edits = [_theirs] },
        new("clusters/create.md")
        {
            Before = "blocks",
            Edits = [("cortex cluster up cluster.yaml", "cortex cluster down -y\nexport AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b\ncortex cluster up cluster.yaml"), ("cortex cluster health", "cortex cluster health\ncortex cluster down -y\ncortex cluster up >/dev/null")],
        },
        new("clusters/delete.md") { Edits = [("cortex cluster down", "cortex cluster down -y")] },
        new("clusters/environments.md")
        {
            Before = "image cortex-walk:1\nspec mine RealtimeAPI cortex-walk:1 >cortex.yaml",
            Edits = [_theirs],
        },
        new("clusters/https.md") { NotRun = [("cortex cluster configure", "it needs a proxy with a certificate and a name of one's own")] },
        new("clusters/logging.md")
        {
            Before = "image cortex-walk:1\napi iris\ntask train\ncortex job submit train --wait\njob=$(cortex get train -o json | grep -oE '\"job_id\": ?\"[^\"]*\"' | head -n 1 | cut -d'\"' -f4)",
            Edits = [("cortex logs iris\n", Ended("cortex logs iris") + "\n"), _job, ("cortex-cortex-iris-k3f09xq2.api", "$(docker ps --filter name=iris --format '{{.Names}}' | grep '\\.api$')")],
        },
        new("clusters/metrics.md"),
        new("clusters/private-registry.md") { NotRun = [("docker login", "it needs a registry; the tests of the Docker runtime pull from one")] },
        new("clusters/self-hosted-images.md") { Before = "image my-model:1" },
        new("clusters/update.md") { Edits = [("cortex cluster configure cluster.yaml", "cortex cluster configure cluster.yaml -y")] },
        new("containers.md") { NotRun = [("curl http://ingressgateway", "it is typed inside a container, as in ClientAccessTests"), ("cortex job submit", "it is typed inside a container, as in ClientAccessTests")] },
        new("dotnet-client.md") { NotRun = [("dotnet nuget", "ClientPackageTests does it with a project of its own")] },
        new("getting-started.md")
        {
            Before = "image my-model\nblocks\necho '{}' >input.json",
            Edits = [("cortex logs my-model", Ended("cortex logs my-model")), ("cortex cluster down --keep-data", "cortex cluster up\ncortex cluster down -y --keep-data"), ("cortex cluster down ", "cortex cluster down -y ")],
            NotRun = [("./build.sh", InstallTests)],
        },
        new("install.md") { NotRun = [("curl -fsSL", InstallTests), ("sudo apt-get", InstallTests), ("cortex cluster down", InstallTests), ("sh install.sh", InstallTests)] },
        new("jobs.md") { Before = "image my-training:1\nblocks" },
        new("python-client.md")
        {
            Before = "image cortex-walk:1\nspec greeter RealtimeAPI cortex-walk:1 >cortex.yaml\nmkdir artifacts && cp \"$ARTIFACTS\"/cortex-*.whl artifacts/",
        },
        new("start-at-boot.md") { NotRun = [("sudo cp", "it needs systemd as the first process")] },
        new("updates.md")
        {
            Before = "image cortex-walk:1\napi hello\napi hello RealtimeAPI cortex-walk:1 two\nid=$(cortex get hello -o json | grep -oE '\"api_id\": ?\"[^\"]*\"' | head -n 1 | cut -d'\"' -f4)",
            Edits = [("hello              #", "hello --force #"), ("hello API_ID", "hello $id --force")],
        },
        new("upgrade.md") { Before = "image cortex-walk:1\napi kept", Edits = [("cortex cluster up --name cortex", "cortex cluster up --name cortex\ncurl http://127.0.0.1:8889/kept")] },
        new("workloads/async/example.md") { Before = "image cortex-examples/explain examples/explain" },
        new("workloads/async/troubleshooting.md") { Before = "image cortex-walk:1\napi explain AsyncAPI cortex-walk:1\nid=$(cortex async submit explain --data '{\"id\": 7}')\ncortex async get explain $id --wait || true" },
        new("workloads/batch/example.md") { Before = "image my-scorer:1\nblocks\nseq 300 | sed 's/.*/{\"id\": 1&00}/' >items.ndjson" },
        new("workloads/batch/statuses.md") { Before = FailedJob, Edits = [_job, _retry] },
        new("workloads/realtime/example.md") { Before = "blocks" },
        new("workloads/task/example.md") { Before = "blocks" },
    ];

    // What follows a log goes on until it is ended.
    private static string Ended(string command) => $"timeout 3 {command} || [ $? = 124 ]";
}

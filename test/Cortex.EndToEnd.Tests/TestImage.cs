namespace Cortex.EndToEnd.Tests;

/// <summary>
/// A small image of busybox with an HTTP server, made here so that no registry is needed. <c>/</c> tells the version
/// and the replica, to a GET; a POST there answers JSON and does what its body says: <c>sleep N</c>, <c>status N</c>,
/// <c>text</c>, <c>broken</c> or anything else, which is sent back; <c>/cgi-bin/sleep?N</c> answers after N seconds; <c>/cgi-bin/get?URL</c> fetches a URL from inside.
/// </summary>
internal static class TestImage
{
    public const string Name = "cortex-e2e:3";

    private const string Index = """
        if [ "$REQUEST_METHOD" != POST ]; then
          printf 'Content-Type: text/plain\r\n\r\n%s %s' "$APP_VERSION" "$(hostname)"
          exit
        fi
        body=$(head -c "${CONTENT_LENGTH:-0}")
        case "$body" in
          "sleep "*) sleep "${body#sleep }" ;;
          "status "*) printf 'Status: %s Told so\r\nContent-Type: text/plain\r\n\r\nwords of an error' "${body#status }"; exit ;;
          text) printf 'Content-Type: text/plain\r\n\r\nno JSON'; exit ;;
          broken) printf 'Content-Type: application/json\r\n\r\n{"half": '; exit ;;
        esac
        printf 'Content-Type: application/json\r\n\r\n{"version":"%s","replica":"%s","id":"%s","type":"%s","said":"%s"}' \
          "$APP_VERSION" "$(hostname)" "$HTTP_X_CORTEX_REQUEST_ID" "$CONTENT_TYPE" "$body"
        """;

    private static readonly Lazy<Task> _built = new(BuildAsync);

    public static Task EnsureAsync() => _built.Value;

    private static async Task BuildAsync()
    {
        const string busybox = "/bin/busybox";
        Assert.True(File.Exists(busybox), $"{busybox} is missing; run test/prepare.sh (./test.sh does), which installs busybox-static");
        var context = Directory.CreateTempSubdirectory("cortex-e2e-image-");
        try
        {
            var root = context.CreateSubdirectory("root");
            var bin = root.CreateSubdirectory("bin");
            var cgi = root.CreateSubdirectory("www/cgi-bin");
            File.Copy(busybox, System.IO.Path.Combine(bin.FullName, "busybox"));
            foreach (var applet in new[] { "sh", "httpd", "sleep", "wget", "cat", "hostname", "echo", "env", "dd", "tail", "kill", "head" })
            {
                File.CreateSymbolicLink(System.IO.Path.Combine(bin.FullName, applet), "busybox");
            }

            // A static program can read the hosts file by itself, but not load the modules for other sources of names.
            await File.WriteAllTextAsync(System.IO.Path.Combine(root.CreateSubdirectory("etc").FullName, "nsswitch.conf"), "hosts: files\n");

            Script(cgi, "index.cgi", Index);
            Script(cgi, "sleep", "sleep \"$QUERY_STRING\"; printf 'Content-Type: text/plain\\r\\n\\r\\nslept'");
            Script(cgi, "get", "printf 'Content-Type: text/plain\\r\\n\\r\\n'; wget -q -O - \"$QUERY_STRING\" 2>&1");
            Script(cgi, "env", "printf 'Content-Type: text/plain\\r\\n\\r\\n'; env; cat /cortex/client/cli.yaml");
            await File.WriteAllTextAsync(System.IO.Path.Combine(context.FullName, "Dockerfile"), """
                FROM scratch
                COPY root /
                ENV PATH=/bin APP_VERSION=1
                CMD ["httpd", "-f", "-v", "-p", "8080", "-h", "/www"]

                """);
            await Shell.RunAsync("docker", "build", "-q", "-t", Name, context.FullName);
        }
        finally
        {
            context.Delete(recursive: true);
        }
    }

    private static void Script(DirectoryInfo directory, string name, string body)
    {
        var path = System.IO.Path.Combine(directory.FullName, name);
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }
}

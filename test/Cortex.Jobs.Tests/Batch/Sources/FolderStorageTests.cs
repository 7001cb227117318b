using System.Diagnostics;
using System.Net.Sockets;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Jobs.Tests.Batch.Sources;

public sealed class FolderStorageTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SourceStorages _storages;

    public FolderStorageTests() =>
        _storages = new SourceStorages(new SourceOptions { Folders = [_folder.Path + "/data"], Attempts = 1 }, TimeProvider.System);

    public void Dispose()
    {
        _storages.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task ListAsync_Prefix_IsAStringAndOrderIsThatOfKeys()
    {
        foreach (var name in new[] { "img/z", "img!x", "img1.png", "images/x", "img/a/b", "img0/\uFFFDx", "img0/😀", "other" })
        {
            _folder.Write("data/" + name, "1");
        }

        Assert.Equal(["images/x", "img!x", "img/a/b", "img/z", "img0/\uFFFDx", "img0/😀", "img1.png"], await ListAsync("im"));
        Assert.Equal(["img/a/b", "img/z"], await ListAsync("img/"));
        Assert.Equal(["img/z"], await ListAsync("img/z"));
        Assert.Empty(await ListAsync("nothing"));
    }

    [Fact]
    public async Task ListAsync_AfterAnyFile_GivesTheRest()
    {
        foreach (var name in new[] { "a/b/c", "a/b!", "a/c", "b", "a!", "a0", "a/b/d/e" })
        {
            _folder.Write("data/" + name, "1");
        }

        var all = await ListAsync("");
        for (var i = 0; i < all.Count; i++)
        {
            Assert.Equal(all[(i + 1)..], await ListAsync("", all[i]));
        }

        Assert.Equal(7, all.Count);
        Assert.Equal(all.Order(Utf8Order.Instance), all);
    }

    [Fact]
    public async Task ListAsync_IncludesAndExcludes_SeeTheWholeName()
    {
        _folder.Write("data/a.json", "1");
        _folder.Write("data/sub/b.json", "1");
        _folder.Write("data/sub/b.txt", "1");
        var root = $"file://{_folder.Path}/data/";

        Assert.Equal(["a.json", "sub/b.json"], await ListAsync("", includes: ["**.json"]));
        Assert.Equal(["a.json"], await ListAsync("", includes: [root + "*.json"]));
        Assert.Equal(["sub/b.txt"], await ListAsync("", excludes: ["**.json"]));
        Assert.Empty(await ListAsync("", includes: ["*.json"]));
    }

    [Fact]
    public async Task ListAsync_AllowedFolderItself_GivesItsFilesAndNotItsNeighbours()
    {
        _folder.Write("data/x", "1");
        _folder.Write("database/y", "1");
        var names = new List<string>();

        await foreach (var (_, file) in new FileLister([$"file://{_folder.Path}/data"], [], [], _storages).ListAsync(SourcePosition.Start, CancellationToken.None))
        {
            names.Add(file.Path);
        }

        Assert.Equal([$"file://{_folder.Path}/data/x"], names);
    }

    [Theory]
    [InlineData("file:///etc/passwd", "batchapi.path_not_allowed")]
    [InlineData("file://{0}", "batchapi.path_not_allowed")]
    [InlineData("file://{0}/database", "batchapi.path_not_allowed")]
    [InlineData("file://{0}/data/../secret", "aws.invalid_s3_path")]
    [InlineData("file://{0}/data/./x", "aws.invalid_s3_path")]
    [InlineData("file://{0}/data//x", "aws.invalid_s3_path")]
    [InlineData("file://data/x", "aws.invalid_s3_path")]
    public void Check_PathThatLeadsElsewhere_IsRefused(string path, string kind)
    {
        path = path.Replace("{0}", _folder.Path, StringComparison.Ordinal);

        Assert.Equal(kind, Assert.Throws<CortexException>(() => new FileLister([path], [], [], _storages)).Kind);
    }

    [Fact]
    public async Task ListAsync_LinkThatLeavesTheFolder_IsRefusedAndOneInsideFollowed()
    {
        _folder.Write("secret", "1");
        _folder.Write("data/real", "1");
        File.CreateSymbolicLink(_folder.Path + "/data/inside", "real");
        Assert.Equal(["inside", "real"], await ListAsync(""));

        File.CreateSymbolicLink(_folder.Path + "/data/outside", "../secret");
        var error = await Assert.ThrowsAsync<CortexException>(() => ListAsync(""));
        Assert.Equal("batchapi.path_not_allowed", error.Kind);
        Assert.Contains("leads out of", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListAsync_LinkedFolders_AreNotFollowed()
    {
        _folder.Write("elsewhere/x", "1");
        _folder.Write("data/sub/real", "1");
        Directory.CreateSymbolicLink(_folder.Path + "/data/away", "../elsewhere");
        Directory.CreateSymbolicLink(_folder.Path + "/data/sub/loop", "..");

        Assert.Equal(["sub/real"], await ListAsync(""));
        var error = await Assert.ThrowsAsync<CortexException>(() => ListAsync("away/"));
        Assert.Equal("batchapi.path_not_allowed", error.Kind);
    }

    [Fact]
    public async Task OpenAsync_LinkPutInThePlaceOfTheFile_IsRefused()
    {
        _folder.Write("secret", "1");
        var path = _folder.Write("data/x", "1");
        var file = (await _storages.Of("file://").FindAsync("file://" + path, CancellationToken.None))!;
        File.Delete(path);
        File.CreateSymbolicLink(path, "../secret");

        var error = await Assert.ThrowsAsync<CortexException>(() => file.OpenAsync(0, CancellationToken.None));

        Assert.Equal("batchapi.path_not_allowed", error.Kind);
    }

    [Fact]
    public async Task OpenAsync_ChangedOrDeletedSinceListing_SaysSo()
    {
        var path = _folder.Write("data/x", "1");
        var file = (await _storages.Of("file://").FindAsync("file://" + path, CancellationToken.None))!;

        File.WriteAllText(path, "12");
        Assert.Equal("batchapi.source_changed", (await Assert.ThrowsAsync<CortexException>(() => file.OpenAsync(0, CancellationToken.None))).Kind);
        File.Delete(path);
        Assert.Equal("batchapi.source_changed", (await Assert.ThrowsAsync<CortexException>(() => file.OpenAsync(0, CancellationToken.None))).Kind);
    }

    [Fact]
    public async Task ListAsync_AllowedFolderIsItselfALink_Works()
    {
        _folder.Write("really/x", "1");
        Directory.CreateSymbolicLink(_folder.Path + "/data", "really");

        Assert.Equal(["x"], await ListAsync(""));
    }

    [Fact]
    public async Task ListAsync_PipesSocketsAndDevices_AreNoFilesAndHoldNobody()
    {
        _folder.Write("data/a", "1");
        Process.Start("mkfifo", _folder.Path + "/data/pipe").WaitForExit();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_folder.Path + "/data/socket"));
        File.CreateSymbolicLink(_folder.Path + "/data/z", "pipe");

        Assert.Equal(["a"], await ListAsync("").WaitAsync(TimeSpan.FromSeconds(30)));
        using var devices = new SourceStorages(new SourceOptions { Folders = ["/dev"], Attempts = 1 }, TimeProvider.System);
        Assert.Null(await devices.Of("file://").FindAsync("file:///dev/zero", CancellationToken.None));
    }

    [Fact]
    public async Task OpenAsync_PipePutInThePlaceOfTheFile_SaysSoAtOnce()
    {
        var path = _folder.Write("data/x", "1");
        var file = (await _storages.Of("file://").FindAsync("file://" + path, CancellationToken.None))!;
        File.Delete(path);
        Process.Start("mkfifo", path).WaitForExit();

        var error = await Assert.ThrowsAsync<CortexException>(() => Task.Run(() => file.OpenAsync(0, CancellationToken.None)).WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal("batchapi.source_changed", error.Kind);
    }

    [Fact]
    public async Task FindAsync_FileThatMayNotBeRead_SaysWhy()
    {
        _folder.Write("data/a", "1");

        var error = await Assert.ThrowsAsync<CortexException>(() => _storages.Of("file://").FindAsync($"file://{_folder.Path}/data/{new string('x', 300)}", CancellationToken.None));

        Assert.Contains("File name too long", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_AnyTexts_OrdersLikeUtf8()
    {
        var text = Gen.Elements("a", "b", "/", "é", "\uFFFD", "😀", "\uE000").ArrayOf(3).Select(string.Concat);

        Prop.ForAll(text.ToArbitrary(), text.ToArbitrary(), (left, right) =>
                Math.Sign(Utf8Order.Instance.Compare(left, right))
                == Math.Sign(System.Text.Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(right))))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    private async Task<List<string>> ListAsync(string prefix, string? after = null, string[]? includes = null, string[]? excludes = null)
    {
        var root = $"file://{_folder.Path}/data/";
        var lister = new FileLister([root + prefix], includes ?? [], excludes ?? [], _storages);
        var from = after is null ? SourcePosition.Start : new SourcePosition(0, root + after, null, null, 0);
        var names = new List<string>();
        await foreach (var (_, file) in lister.ListAsync(from, CancellationToken.None))
        {
            names.Add(file.Path[root.Length..]);
        }

        return names;
    }
}

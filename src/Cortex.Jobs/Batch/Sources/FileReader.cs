using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Reads one file from a byte on, and goes on where it was when the connection breaks.</summary>
internal sealed class FileReader(SourceFile file, long offset, Retry retry) : IAsyncDisposable
{
    private Stream? _content;
    private long _offset = offset;
    private long _at;
    private int _failures;

    /// <summary>Reads the next bytes; 0 at the end.</summary>
    /// <exception cref="CortexException">The file can't be read, changed, or is gone.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var count = await retry.BoundedAsync(token => ReadOnceAsync(buffer, token), cancellationToken);
                if (count == 0)
                {
                    return _at >= (file.Length ?? _offset) ? 0 : throw new EndOfStreamException($"it ended after {_at} bytes");
                }

                _failures = 0;
                if (_at + count > file.Length)
                {
                    throw SourceErrors.Changed(file.Path);
                }

                // The content may have begun before the place: what was read already is read over.
                var known = (int)Math.Min(count, _offset - _at);
                _at += count;
                if (known < count)
                {
                    buffer[known..count].CopyTo(buffer);
                    _offset = _at;
                    return count - known;
                }
            }
            catch (Exception exception) when (exception is not CortexException and not OperationCanceledException)
            {
                await DisposeAsync();
                await retry.PauseAsync($"read {file.Path}", ++_failures, exception, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_content is { } content)
        {
            _content = null;
            await content.DisposeAsync();
        }
    }

    private async Task<int> ReadOnceAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_content is null)
        {
            (_content, _at) = await file.OpenAsync(_offset, cancellationToken);
        }

        return await _content.ReadAsync(buffer, cancellationToken);
    }
}

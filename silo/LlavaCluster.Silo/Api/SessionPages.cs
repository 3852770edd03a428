using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Protos;

namespace LlavaCluster.Silo.Api;

/// <summary>The list of sessions, page by page. A page's token is the place of its last session: when it was used, and its id.</summary>
internal sealed class SessionPages(ITurnLog log)
{
    private const int DefaultSize = 100, LargestSize = 1000;

    /// <summary>One page.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: a size or token that cannot be.</exception>
    public async Task<ListSessionsResponse> ReadAsync(ListSessionsRequest request, CancellationToken cancellationToken)
    {
        if (request.PageSize is < 0 or > LargestSize)
        {
            throw new TurnRefusedException(
                RefusalCode.InvalidArgument, $"page_size is {request.PageSize}; it must be 1 to {LargestSize}, or 0 for {DefaultSize}.");
        }

        var size = request.PageSize == 0 ? DefaultSize : request.PageSize;
        var after = request.PageToken.Length == 0 ? null : Parse(request.PageToken);
        var page = new ListSessionsResponse();
        // Others may have been used at the same time: they come again, and are passed over. Stores keep milliseconds.
        await foreach (var session in log.ListAsync(after?.UsedAt.AddMilliseconds(1), cancellationToken))
        {
            if (after is not null && !IsBehind(session, after))
            {
                continue;
            }

            if (page.Sessions.Count == size)
            {
                page.NextPageToken = TokenOf(page.Sessions[^1]);
                break;
            }

            page.Sessions.Add(new ListSessionsResponse.Types.Entry
            {
                SessionId = session.Session,
                UsedAt = Timestamp.FromDateTimeOffset(session.UsedAt),
            });
        }

        return page;
    }

    private static bool IsBehind(LoggedSession session, LoggedSession after) =>
        session.UsedAt < after.UsedAt || (session.UsedAt == after.UsedAt && string.CompareOrdinal(session.Session, after.Session) > 0);

    private static string TokenOf(ListSessionsResponse.Types.Entry last) =>
        string.Create(CultureInfo.InvariantCulture, $"{last.UsedAt.ToDateTimeOffset().UtcTicks}-{last.SessionId}");

    private static LoggedSession Parse(string token)
    {
        var at = token.IndexOf('-');
        return at > 0 && long.TryParse(token.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && ticks <= DateTimeOffset.MaxValue.AddYears(-1).UtcTicks
            ? new LoggedSession(token[(at + 1)..], new DateTimeOffset(ticks, TimeSpan.Zero))
            : throw new TurnRefusedException(
                RefusalCode.InvalidArgument, "page_token is none that this server gave; begin with an empty one.");
    }
}

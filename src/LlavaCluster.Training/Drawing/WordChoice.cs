namespace LlavaCluster.Training.Drawing;

/// <summary>
/// Which words stand on pictures: mostly any characters, so that a reader cannot guess; some words and numbers, as people
/// write.
/// </summary>
internal static class WordChoice
{
    private static readonly string[] Words =
    [
        "ABC", "AREA", "ART", "BANK", "BAR", "BIG", "BLUE", "BOOK", "BOX", "BREAD", "BUS", "CAFE", "CAR", "CAT", "CITY",
        "CLOSED", "COFFEE", "COLD", "DAY", "DOG", "DOOR", "EAST", "END", "EXIT", "FAST", "FIRE", "FISH", "FREE", "GAME", "GATE",
        "GO", "GOLD", "GREEN", "HELLO", "HELP", "HOME", "HOT", "HOTEL", "HOUSE", "ICE", "KEY", "LIGHT", "LION", "LLAVA", "LOVE",
        "MAIN", "MAP", "MENU", "METRO", "MILK", "MOON", "NEW", "NEWS", "NEXT", "NIGHT", "NORTH", "OPEN", "PARK", "PLAY", "POST",
        "PUSH", "RED", "ROAD", "ROOM", "SALE", "SCHOOL", "SHOP", "SLOW", "SOUTH", "STAR", "START", "STOP", "SUN", "TAXI", "TEA",
        "TEST", "TIME", "TOY", "TRAIN", "TREE", "VISION", "WATER", "WEST", "WORLD", "YES", "ZONE", "ZOO",
    ];

    /// <summary>A word of the given length.</summary>
    public static string Of(int length, Chance chance)
    {
        if (chance.Flip(0.12) && Words.Where(word => word.Length == length).ToArray() is { Length: > 0 } fitting)
        {
            return chance.Pick(fitting);
        }

        var (first, count) = chance.Weighted([0.7, 0.12, 0.18]) switch { 0 => (0, 36), 1 => (26, 10), _ => (0, 26) };
        return string.Concat(Enumerable.Range(0, length).Select(_ => FontFace.Characters[first + chance.Below(count)]));
    }
}

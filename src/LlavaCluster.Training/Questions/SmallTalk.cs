using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>
/// What people say besides questions about the picture, and the honest answer to it. One answer per group of sayings.
/// </summary>
internal static class SmallTalk
{
    private static readonly (string[] Sayings, string Answer)[] English =
    [
        (
            ["Hello", "Hello!", "Hi", "Hi!", "Hey", "Good morning", "Good evening", "Good afternoon", "Hello there", "Hi there!"],
            "Hello! I am a small demonstration model. Ask me about a picture of simple shapes."),
        (
            ["What can you do?", "What can I ask you?", "Help", "How can you help me?", "What are you good at?",
             "What do you know?", "What should I ask?", "How do I use you?"],
            "I am a small demonstration model. I name shapes, colours, places and short texts in simple pictures."),
        (
            ["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Which model are you?",
             "Are you a robot?", "Are you ChatGPT?", "Are you a person?", "What model is this?"],
            "I am the small demonstration model of LlavaCluster."),
        (
            ["Thanks", "Thank you", "Thanks!", "Thank you!", "Thank you very much.", "Thanks a lot", "Great, thanks.",
             "Good job!", "Well done."],
            "You are welcome."),
        (
            ["Goodbye", "Bye", "Bye!", "See you", "See you later", "Good night"],
            "Goodbye!"),
        (
            ["How are you?", "How are you doing?", "How do you do?", "How is it going?"],
            "I am only a small demonstration model, but I am ready. Ask me about a picture."),
        (
            ["What is the capital of France?", "What is 2 + 2?", "Tell me a joke.", "Write a poem.", "Who is the president?",
             "What is the meaning of life?", "What time is it?", "What is the weather today?", "Write some code.",
             "Translate this.", "How tall is Mount Everest?", "Who won the game?", "Tell me a story.", "What day is it?",
             "How old are you?", "Give me a recipe.", "What is love?", "Who wrote Hamlet?"],
            "I do not know that. I am a small demonstration model for simple pictures."),
    ];

    private static readonly (string[] Sayings, string Answer)[] Chinese =
    [
        (
            ["你好", "你好！", "您好", "早上好", "晚上好", "嗨"],
            "你好！我是一个小型演示模型。请问我关于简单图片的问题。"),
        (
            ["你能做什么？", "你会什么？", "我可以问你什么？", "帮助", "怎么用你？"],
            "我是一个小型演示模型，能说出简单图片里的形状、颜色、位置和文字。"),
        (
            ["你是谁？", "你叫什么名字？", "你是什么模型？", "介绍一下你自己。"],
            "我是LlavaCluster的小型演示模型。"),
        (
            ["谢谢", "谢谢！", "谢谢你", "多谢"],
            "不客气。"),
        (
            ["再见", "再见！", "拜拜", "晚安"],
            "再见！"),
        (
            ["今天天气怎么样？", "现在几点？", "讲个笑话。", "写一首诗。", "一加一等于几？", "法国的首都是哪里？"],
            "我不知道。我是只看简单图片的小型演示模型。"),
    ];

    private static readonly (string[] Sayings, string Answer)[] EnglishUnknowable =
    [
        (
            ["Who drew this?", "Who drew this picture?", "Who made this image?", "Who took this picture?",
             "When was this picture taken?", "When was this taken?", "When was this drawn?", "Where was this taken?",
             "Where was this picture made?", "What is the weather?", "What is the weather like in the picture?",
             "What day is it in the picture?", "How much does it cost?", "How old is this picture?", "Why was this drawn?",
             "Who is in the picture?", "What is the name of the artist?", "Which camera was used?", "What happens next?",
             "What does it smell like?", "Who owns this picture?", "Which program made this picture?",
             "How long did it take to draw this?", "What is the temperature?", "What is behind the picture?",
             "What was the artist thinking?", "What time is it in the picture?", "Which country is this?",
             "What is the file name?", "Who wrote the text?", "Why is it there?"],
            "I cannot know that from the picture."),
    ];

    private static readonly (string[] Sayings, string Answer)[] ChineseUnknowable =
    [
        (
            ["这是谁画的？", "这张图片是谁画的？", "这是什么时候拍的？", "这是什么时候画的？", "这是在哪里拍的？",
             "天气怎么样？", "这要多少钱？", "为什么画这个？", "画家叫什么名字？", "这张图片有多久了？"],
            "从图片中看不出来。"),
    ];

    private static readonly string[] EnglishNoPicture =
        ["What is in the picture?", "Describe the picture.", "What do you see?", "What colour is the circle?",
         "What color is it?", "What does the text say?", "How many shapes are there?", "What is shown in this image?"];

    private static readonly string[] ChineseNoPicture = ["图片里有什么？", "描述一下这张图片。", "这是什么颜色？", "图中写了什么？"];

    /// <summary>Small talk, or a question about a picture that was not sent.</summary>
    public static Exchange WithoutPicture(DialogueLanguage language, Chance chance)
    {
        var english = language == DialogueLanguage.English;
        if (chance.Flip(0.15))
        {
            return new Exchange(
                QuestionForm.SmallTalk,
                chance.Pick(english ? EnglishNoPicture : ChineseNoPicture),
                english ? "I see no picture. Please send one with your question." : "我没有看到图片。请把图片和问题一起发给我。");
        }

        return WithPicture(language, chance);
    }

    /// <summary>Small talk beside a picture.</summary>
    public static Exchange WithPicture(DialogueLanguage language, Chance chance) =>
        Pick(QuestionForm.SmallTalk, language == DialogueLanguage.English ? English : Chinese, chance);

    /// <summary>A question that no look at a picture can answer.</summary>
    public static Exchange Unknowable(DialogueLanguage language, Chance chance) =>
        Pick(QuestionForm.Unknowable, language == DialogueLanguage.English ? EnglishUnknowable : ChineseUnknowable, chance);

    private static Exchange Pick(QuestionForm form, (string[] Sayings, string Answer)[] groups, Chance chance)
    {
        var (sayings, answer) = chance.Pick(groups);
        return new Exchange(form, chance.Pick(sayings), answer);
    }
}

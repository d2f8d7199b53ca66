CREATE TABLE [dbo].[Questions] ([Id] [int] NOT NULL, [Title] [nvarchar](99), [IsDeleted] [bit])
GO
INSERT [dbo].[Questions] ([Title], [Id]) VALUES (N'How is tar made?', 1)
INSERT [dbo].[Questions] VALUES (2, N'Is tar hot?', 0)
INSERT [dbo].[Questions] VALUES (3, N'Why tar?', 0)
GO
DELETE FROM [dbo].[Questions] WHERE [Id] = 2
GO
